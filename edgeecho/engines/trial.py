"""A tiny network that shows whether an engine can be opened and computes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeecho.bundle import open_model
from edgeecho.common.errors import EngineError

if TYPE_CHECKING:
    from edgeecho.engines.descriptor import EngineDescriptor

FILE = Path(__file__).with_name("trial.onnx")
"""Package data, made by tests/support/trial.py: the EF is the mean over a clip of R + G + B."""


def run_trial(engine: EngineDescriptor) -> str:
    """Open the tiny network on an engine and run it; return what was found, for doctor.

    `EngineError` if its EF is wrong; the library raises what it likes.
    """
    model = open_model(FILE)
    spec = model.preprocess
    ready = engine.open(engine, model, 0, False)
    clip = np.full((1, 3, spec.frames, spec.size, spec.size), 10, np.float32)
    ef = float(ready.run(clip).ef[0])
    if not abs(ef - 30) < 0.1:  # so that NaN is wrong too
        raise EngineError(f"it gives an EF of {ef:g} where 30 is right")
    return f"{ready.facts.version} on {ready.facts.device}; opened and ran a tiny network"
