"""The libraries of ONNX Runtime's GPU providers: finding CUDA, and saying what is missing."""

from __future__ import annotations

import ctypes
import io
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from edgeecho.common.text import reason

FATAL = 4
"""A severity for logs at which no error is printed: it is raised, and becomes our message."""
_PARTS = {"CUDAExecutionProvider": "cuda", "TensorrtExecutionProvider": "tensorrt"}


def silence(onnxruntime: Any) -> None:
    """Nothing on stderr of what is no part of a session, such as a provider that is looked for."""
    onnxruntime.set_default_logger_severity(FATAL)


def preload(onnxruntime: Any) -> None:
    """Let it find CUDA and cuDNN that pip installed, which the system's search does not."""
    if hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        # It prints what it does not find; whether that matters, the session will tell.
        with redirect_stdout(io.StringIO()):
            onnxruntime.preload_dlls()


def missing_library(onnxruntime: Any, provider: str) -> str | None:
    """What keeps a provider's library from being loaded; None: nothing, or it cannot be told.

    ONNX Runtime says so in its log only; the session then fails for another reason.
    """
    folder = Path(onnxruntime.__file__).parent / "capi"
    names = ("shared", _PARTS[provider])
    files = [folder / f"libonnxruntime_providers_{name}.so" for name in names]
    if not all(file.is_file() for file in files):
        return None
    try:
        for file in files:
            # The first has symbols that the second wants.
            ctypes.CDLL(str(file), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        return reason(error)
    return None
