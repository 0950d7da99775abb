"""Finding the engines that can run on this machine, and making a model ready on one."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any, NoReturn

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines import onnxruntime, openvino, tensorrt
from edgeecho.engines.base import Engine, GraphEngine
from edgeecho.engines.choice import open_engine, take_first
from edgeecho.engines.descriptor import EngineDescriptor

GROUP = "edgeecho.engines"
OURS: tuple[EngineDescriptor, ...] = (*openvino.ENGINES, *onnxruntime.ENGINES, *tensorrt.ENGINES)


def engines() -> tuple[EngineDescriptor, ...]:
    """Ours, then those of other packages; ours keep their names."""
    others = [entry for entry in entry_points(group=GROUP) if not _named(entry.name)]
    return (*OURS, *map(_load_entry, sorted(others, key=lambda entry: entry.name)))


def find_engine(name: str) -> EngineDescriptor | None:
    """The engine of that name; None: there is none."""
    if ours := _named(name):
        # Without a look at what else is installed, which takes its time and may be broken.
        return ours
    return next(map(_load_entry, entry_points(group=GROUP, name=name)), None)


def _load_entry(entry: EntryPoint) -> EngineDescriptor:
    where = entry.dist.name if entry.dist else entry.value
    try:
        found = entry.load()
    except Exception as error:  # noqa: BLE001 - whatever another package raises
        why = f"cannot be imported ({type(error).__name__}: {' '.join(str(error).split())})"
    else:
        if isinstance(found, EngineDescriptor) and found.name == entry.name:
            return found
        why = f"is no descriptor of an engine of this name ({entry.value})"
    return _broken(
        entry,
        f"engine {entry.name} of the package {where} {why}: "
        "install another version of that package, or remove it",
    )


def _broken(entry: EntryPoint, why: str) -> EngineDescriptor:
    """An engine that says why it does not run, and costs nobody else anything."""

    def fail(*_: object) -> NoReturn:
        raise EngineError(why)

    package = entry.module.partition(".")[0]
    return EngineDescriptor(
        entry.name, package, "", "unknown", open=fail, probe=fail, refuses=lambda _: why
    )


def load_engine(name: str, model: ModelFile, *, threads: int = 0, cached: bool = False) -> Engine:
    """Make `model` ready on the engine `name`; `EngineError` if that is impossible.

    `auto` takes the first engine that runs it here: a TensorRT engine built for this machine, then
    CUDA, then the CPU; its facts say which, and which were passed over. A named engine that cannot
    run is an error, never a fall-back. `threads` 0 leaves the number to the engine. `cached` keeps
    the compiled model for the next process (`edgeecho.common.cache`): use it for models that stay
    in place.
    """
    if name == "auto":
        return take_first(_in_auto(), model, threads, cached)
    engine = find_engine(name)
    if engine is None:
        known = ", ".join(engine.name for engine in engines())
        raise EngineError(f"engine {name!r} is not known: choose auto, {known}")
    if not engine.available:
        raise EngineError(f"engine {name} is not installed: {engine.install}")
    return open_engine(engine, model, threads, cached)


def load_on_cpu(model: ModelFile, *, threads: int = 0) -> Engine:
    """Make `model` ready on the first CPU engine that runs it: such results hold on any machine."""
    return take_first([e for e in _in_auto() if e.device == "cpu"], model, threads, cached=False)


def load_limit_s(name: str) -> float:
    """Time limit of `load_engine` in s; for `auto`, of all that it may have to try."""
    tried = _in_auto() if name == "auto" else filter(None, [find_engine(name)])
    return sum(engine.load_s for engine in tried if engine.available) or 300.0


def shares(name: str, model: ModelFile) -> bool:
    """Whether the engine runs the model's shared graph; where it is built first, whether it was."""
    engine = find_engine(name)
    if engine is None or not engine.shares or model.shared is None:
        return False
    return engine.builder is None or engine.refuses(_shared_graph(model)) is None


def load_shared(
    name: str, model: ModelFile, *, threads: int = 0, cached: bool = False
) -> GraphEngine:
    """Make the shared graph of `model` ready on an engine that runs such; see `load_engine`."""
    if model.shared is None:
        raise EngineError(f"{model.path.name} has no shared graph: export it with --shared")
    engine = find_engine(name)
    if engine is None or not engine.shares:
        able = " or ".join(engine.name for engine in OURS if engine.shares)
        raise EngineError(f"engine {name} runs no shared graphs: take {able}")
    loaded: Any = load_engine(name, _shared_graph(model), threads=threads, cached=cached)
    shared: GraphEngine = loaded
    return shared


def load_segmentation(
    name: str, model: ModelFile, *, threads: int = 0, cached: bool = False
) -> GraphEngine:
    """Make the segmentation of `model` ready on an engine; see `load_engine`."""
    network = segmentation_file(model)
    loaded: Any = load_engine(name, network, threads=threads, cached=cached)
    if not hasattr(loaded, "infer"):  # of another package
        raise EngineError(
            f"engine {name} runs no segmentations: take another --engine, or leave out the beats "
            "with --beats none"
        )
    ready: GraphEngine = loaded
    return ready


def segmentation_file(model: ModelFile) -> ModelFile:
    """The segmentation of `model` as a file of its own."""
    found = model.segmentation
    if found is None:
        raise EngineError(
            f"{model.name} has no segmentation: export it with `--segmentation CHECKPOINT`"
        )
    return replace(
        model,
        path=found.path,
        sha256=found.sha256,
        precision=found.precision,
        shared=None,
        segmentation=None,
        task="segmentation",
    )


def _shared_graph(model: ModelFile) -> ModelFile:
    assert model.shared is not None
    return replace(model, path=model.shared.path, sha256=model.shared.sha256)


def _in_auto() -> list[EngineDescriptor]:
    places = [(engine.auto, engine) for engine in OURS if engine.auto is not None]
    return [engine for _, engine in sorted(places, key=lambda pair: pair[0])]


def _named(name: str) -> EngineDescriptor | None:
    return next((engine for engine in OURS if engine.name == name), None)
