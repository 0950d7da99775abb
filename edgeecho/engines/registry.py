"""Which engines there are, which can run here, and how to get the others."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec

from edgeecho.bundle import ModelFile
from edgeecho.engines.base import Engine
from edgeecho.errors import EngineError


@dataclass(frozen=True)
class EngineEntry:
    """One row of the table."""

    name: str
    module: str
    """Our module; it has `open_engine(model, threads) -> Engine`."""
    package: str
    """The import name that it needs."""
    install: str
    """What to type when that is missing."""
    runs_on: str

    @property
    def available(self) -> bool:
        """Whether the package is installed; it is not imported."""
        return find_spec(self.package) is not None


ENGINES = (
    EngineEntry(
        "openvino",
        "edgeecho.engines.openvino",
        "openvino",
        "pip install openvino",
        "CPU (x86-64, arm64)",
    ),
    EngineEntry(
        "onnxruntime",
        "edgeecho.engines.onnxruntime",
        "onnxruntime",
        "pip install 'edgeecho[ort]'",
        "CPU",
    ),
)
"""In the order of preference of `auto`."""


def load_engine(name: str, model: ModelFile, *, threads: int = 0) -> Engine:
    """Compile `model` for the engine `name`; `EngineError` where that cannot be done.

    `auto` takes the first engine of the table that is installed, and the result says which.
    A named engine that cannot run is an error, never a fall-back. `threads` 0 leaves the
    number to the engine.
    """
    entry = _choose(name)
    try:
        engine: Engine = import_module(entry.module).open_engine(model, threads)
    except ImportError as error:
        raise EngineError(
            f"engine {entry.name} is installed but cannot be imported: see `edgeecho doctor`"
        ) from error
    return engine


def _choose(name: str) -> EngineEntry:
    if name == "auto":
        for entry in ENGINES:
            if entry.available:
                return entry
        raise EngineError(f"no engine is installed: {ENGINES[0].install}")
    for entry in ENGINES:
        if entry.name == name:
            if not entry.available:
                raise EngineError(f"engine {name} is not installed: {entry.install}")
            return entry
    raise EngineError(
        f"engine {name!r} is not known: choose auto, {', '.join(e.name for e in ENGINES)}"
    )
