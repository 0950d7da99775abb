"""Opening an engine, and taking the first of several that runs a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.common.text import reason
from edgeecho.engines.base import Engine, PassedOver, example_input
from edgeecho.engines.descriptor import EngineDescriptor


def open_engine(engine: EngineDescriptor, model: ModelFile, threads: int, cached: bool) -> Engine:
    """Open an engine that is installed; `EngineError` if its libraries cannot be loaded."""
    try:
        return engine.open(engine, model, threads, cached)
    except (ImportError, OSError) as error:
        raise EngineError(
            f"engine {engine.name} is installed but cannot be loaded ({reason(error)}): "
            "see `edgeecho doctor`"
        ) from error


def take_first(
    candidates: Sequence[EngineDescriptor], model: ModelFile, threads: int, cached: bool
) -> Engine:
    """The first that runs the model; its facts name those that were passed over.

    An engine that is not installed is no candidate. Where none runs: `ModelError` if one of them
    refused the file itself, else `EngineError` with every reason.
    """
    passed: list[PassedOver] = []
    errors: list[Exception] = []
    for engine in candidates:
        if not engine.available:
            continue
        try:
            ready = _open_and_try(engine, model, threads, cached)
        except Exception as error:  # noqa: BLE001 - a broken library raises whatever it likes
            errors.append(error)
            passed.append(PassedOver(engine.name, reason(error)))
            continue
        if passed:
            ready.facts = replace(ready.facts, passed_over=tuple(passed))
        return ready
    if not errors:
        simplest = min(candidates, key=lambda engine: engine.device != "cpu")
        raise EngineError(f"no engine is installed: {simplest.install}")
    for failure in errors:
        if isinstance(failure, ModelError) or len(errors) == 1:
            raise failure
    each = "; ".join(f"{one.name}: {one.why}" for one in passed)
    raise EngineError(f"no engine can run {model.path.name} here, see `edgeecho doctor` ({each})")


def _open_and_try(engine: EngineDescriptor, model: ModelFile, threads: int, cached: bool) -> Engine:
    ready = open_engine(engine, model, threads, cached)
    if engine.device != "cpu":
        # CUDA loads what a clip needs with the first one: a session may open and then fail. Nothing
        # is lost, since a GPU's first run is slow whenever it comes.
        first: Any = ready
        black = example_input(model)
        first.run(black["clip"]) if model.task == "ef" else first.infer(black)
    return ready
