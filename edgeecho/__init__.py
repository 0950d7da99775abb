"""Ejection fraction from echocardiogram videos. Research use only, not for diagnosis.

    from pathlib import Path
    from edgeecho import estimate, load_model, read_cine

    model = load_model()                      # the demo model, on the fastest engine here
    answer = estimate(read_cine(Path("video.avi")), model)
    if answer.refused:                        # the number must not be used, and here is why
        print("refused:", *(refusal.reason for refusal in answer.refusals))
    else:
        print(answer.ef, answer.interval, answer.warnings)

Names are loaded when they are first used: `import edgeecho` alone does not import numpy. It does
have one effect: it switches off the telemetry of engines imported later, see
`edgeecho.common.telemetry`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.common.telemetry import shut_out

shut_out()

__version__ = VERSION

if TYPE_CHECKING:
    from edgeecho.cine import Cine, read_cine
    from edgeecho.common.errors import EdgeEchoError
    from edgeecho.inference import EFEstimate, LoadedModel, estimate, load_model
    from edgeecho.preprocess import PreprocessSpec

_HOME = {
    "Cine": "cine",
    "EFEstimate": "inference",
    "EdgeEchoError": "common.errors",
    "LoadedModel": "inference",
    "PreprocessSpec": "preprocess",
    "estimate": "inference",
    "load_model": "inference",
    "read_cine": "cine",
}

__all__ = [
    "RESEARCH_USE",
    "Cine",
    "EFEstimate",
    "EdgeEchoError",
    "LoadedModel",
    "PreprocessSpec",
    "__version__",
    "estimate",
    "load_model",
    "read_cine",
]


def __getattr__(name: str) -> object:
    if name in _HOME:
        return getattr(import_module(f"edgeecho.{_HOME[name]}"), name)
    raise AttributeError(f"module 'edgeecho' has no attribute {name!r}")
