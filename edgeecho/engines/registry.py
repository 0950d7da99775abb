"""Which engines there are, which can run here, and how to get the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.base import Engine, SharedEngine


@dataclass(frozen=True)
class EngineEntry:
    """One row of the table."""

    name: str
    module: str
    """Our module; it has `open_engine(model, threads, **options) -> Engine`, and that of a GPU
    engine has `obstacle(model, **options) -> str | None`."""
    package: str
    """The import name that it needs."""
    install: str
    """What to type when that is missing."""
    runs_on: str
    gpu: bool = False
    """Whether it needs an NVIDIA GPU; its package is not imported where there is none."""
    distribution: str | None = None
    """The installed package must be this one, where two have the same import name."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For our module."""
    shares: bool = False
    """Whether it runs shared graphs: its engines are `SharedEngine`s too."""
    caches: bool = False
    """Whether its `open_engine` takes `cached`."""
    load_s: float = 300.0
    """A model that is not ready after so many seconds never will be."""

    @property
    def available(self) -> bool:
        """Whether the package is installed; it is not imported."""
        if find_spec(self.package) is None:
            return False
        return self.distribution is None or _is_installed(self.distribution)

    def obstacle(self, model: ModelFile) -> str | None:
        """Why it cannot run `model` on this machine; None: it can, or only a try will tell."""
        if not self.available:
            return f"not installed: {self.install}"
        if not self.gpu:
            return None
        reason: str | None = import_module(self.module).obstacle(model, **self.options)
        return reason


def _is_installed(distribution: str) -> bool:
    try:
        metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _onnxruntime_gpu(name: str, needs: str) -> EngineEntry:
    return EngineEntry(
        f"onnxruntime-{name}",
        "edgeecho.engines.onnxruntime_gpu",
        "onnxruntime",
        "pip uninstall -y onnxruntime; pip install 'edgeecho[gpu]'",
        f"NVIDIA GPU with {needs}",
        gpu=True,
        distribution="onnxruntime-gpu",
        options={"provider": name},
        # TensorRT builds its engine anew at each load: minutes, on a small device many.
        load_s=3600.0 if name == "tensorrt" else 300.0,
    )


def _tensorrt(name: str, **options: Any) -> EngineEntry:
    return EngineEntry(
        name,
        "edgeecho.engines.tensorrt",
        "tensorrt",
        "pip install 'edgeecho[tensorrt]', and TensorRT 10.3 or later from JetPack or NVIDIA",
        "NVIDIA GPU, engine built on it by `edgeecho build`",
        gpu=True,
        options={"kind": "tensorrt", **options},
    )


ENGINES = (
    EngineEntry(
        "openvino",
        "edgeecho.engines.openvino",
        "openvino",
        "pip install openvino",
        "CPU (x86-64, arm64)",
        shares=True,
        caches=True,
    ),
    EngineEntry(
        "onnxruntime",
        "edgeecho.engines.onnxruntime",
        "onnxruntime",
        "pip install 'edgeecho[ort]'",
        "CPU",
        shares=True,
    ),
    _onnxruntime_gpu("cuda", "CUDA and cuDNN"),
    _onnxruntime_gpu("tensorrt", "TensorRT 10"),
    _tensorrt("tensorrt"),
    _tensorrt("tensorrt-graph", cuda_graph=True),
    EngineEntry(
        "tensorrt-rtx",
        "edgeecho.engines.tensorrt",
        "tensorrt_rtx",
        "pip install 'edgeecho[tensorrt-rtx]'",
        "NVIDIA RTX GPU, engine built for it by `edgeecho build`",
        gpu=True,
        options={"kind": "tensorrt-rtx"},
    ),
)
_AUTO = ("tensorrt", "tensorrt-rtx", "onnxruntime-cuda", "openvino", "onnxruntime")
"""In the order of preference."""


def load_engine(name: str, model: ModelFile, *, threads: int = 0, cached: bool = False) -> Engine:
    """Make `model` ready on the engine `name`; `EngineError` where that cannot be done.

    `auto` takes the first that can run it here: a TensorRT engine that was built for this
    machine, then CUDA, then the CPU; the result says which. A named engine that cannot run is
    an error, never a fall-back. `threads` 0 leaves the number to the engine. `cached` keeps what
    was compiled for the next process (`edgeecho.common.cache`): for models that are there to stay.
    """
    entry = _choose(name, model)
    options = {**entry.options, "cached": True} if cached and entry.caches else entry.options
    try:
        module = import_module(entry.module)
        engine: Engine = module.open_engine(model, threads, **options)
    except ImportError as error:
        raise EngineError(
            f"engine {entry.name} is installed but cannot be imported: see `edgeecho doctor`"
        ) from error
    return engine


def load_limit_s(name: str) -> float:
    """So long may `load_engine` take, in s; of `auto` that of the slowest that it may choose."""
    entries = [e for e in ENGINES if e.name == name or (name == "auto" and e.name in _AUTO)]
    return max((entry.load_s for entry in entries), default=300.0)


def shares(name: str) -> bool:
    """Whether the engine `name` runs shared graphs."""
    return any(entry.name == name and entry.shares for entry in ENGINES)


def load_shared(
    name: str, model: ModelFile, *, threads: int = 0, cached: bool = False
) -> SharedEngine:
    """Make the shared graph of `model` ready on an engine that `shares`; see `load_engine`."""
    if model.shared is None:
        raise EngineError(f"{model.path.name} has no shared graph: export it with --shared")
    graph = replace(model, path=model.shared.path, sha256=model.shared.sha256)
    engine: Any = load_engine(name, graph, threads=threads, cached=cached)
    if not shares(name):
        raise EngineError(f"engine {name} runs no shared graphs: take openvino or onnxruntime")
    loaded: SharedEngine = engine
    return loaded


def cpu_engine() -> str:
    """Name of the preferred engine for the CPU: what is measured on it holds on any machine."""
    for name in _AUTO:
        entry = next(e for e in ENGINES if e.name == name)
        if not entry.gpu and entry.available:
            return name
    raise EngineError(f"no engine for the CPU is installed: {ENGINES[0].install}")


def _choose(name: str, model: ModelFile) -> EngineEntry:
    known = {entry.name: entry for entry in ENGINES}
    if name == "auto":
        for preferred in _AUTO:
            if known[preferred].obstacle(model) is None:
                return known[preferred]
        raise EngineError(f"no engine is installed: {ENGINES[0].install}")
    if name not in known:
        raise EngineError(f"engine {name!r} is not known: choose auto, {', '.join(known)}")
    if not known[name].available:
        raise EngineError(f"engine {name} is not installed: {known[name].install}")
    return known[name]
