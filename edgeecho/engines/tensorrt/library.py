"""TensorRT's Python module: finding it without harm, and what it says."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.nvidia.cuda import probe
from edgeecho.engines.tensorrt.built import Machine, choose_engine


def obstacle(model: ModelFile, kind: str) -> str | None:
    """Why `model` cannot run on this machine; None if it can."""
    try:
        choose_engine(model, look(kind)[1])
    except EngineError as error:
        return str(error)
    return None


def load_library(kind: str) -> str:
    """For doctor: load the library, which without a plan can run nothing; what was found."""
    trt, machine = look(kind)
    log = new_log(trt)
    if trt.Runtime(log) is None:
        raise EngineError(f"it cannot be started: {' '.join(log.errors[-1:])}")
    return (
        f"{machine.version} on {machine.device.label}; loaded; it runs what `edgeecho build` "
        "made of a bundle"
    )


def look(kind: str) -> tuple[Any, Machine]:
    """TensorRT's module and this machine. CUDA is probed first, see `cuda`."""
    device = probe()
    trt = import_module(kind.replace("-", "_"))
    return trt, Machine(kind, str(trt.__version__), device)


def new_log(trt: Any) -> Any:
    """A logger for `trt.Runtime`."""

    class Log(trt.ILogger):  # type: ignore[misc]
        """Keeps the errors for our own messages; nothing is printed."""

        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(" ".join(message.split()))

    return Log()
