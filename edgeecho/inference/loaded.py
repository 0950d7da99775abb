"""A model that is ready to answer: its engines, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from edgeecho.beats import Rule
from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.errors import EngineError
from edgeecho.common.text import reason
from edgeecho.engines import (
    Engine,
    GraphEngine,
    PassedOver,
    load_engine,
    load_segmentation,
    load_shared,
    shares,
)
from edgeecho.inference.clips import BATCH
from edgeecho.inference.sharing import Sharing
from edgeecho.trust import Trust, load_trust


@dataclass(frozen=True)
class LoadedModel:
    """A model loaded into an engine."""

    file: ModelFile
    engine: Engine
    trust: Trust | None = None
    """None if its uncertainty was not measured."""
    threads: int = 0
    """Requested number of threads; 0 leaves it to the engine."""
    batch: int = BATCH
    """Clips per engine call, for clips that are not answered together."""
    masks: GraphEngine | None = None
    """The segmentation; None if there is none, or no beats are wanted."""
    rule: Rule = "default"
    """How beats are found in the masks."""

    @cached_property
    def sharing(self) -> Sharing | None:
        """How to answer clips together; None if the model or the engine cannot do so."""
        if self.file.shared is None or not shares(self.engine.facts.name, self.file):
            return None
        return Sharing(self.file.shared.cost, lambda: self._shared)

    @cached_property
    def _shared(self) -> GraphEngine | None:
        """None: an engine that answers single clips, such as CUDA, cannot load the shared graph.

        That changes no number. It is slower, so the engine's facts say so from then on.
        """
        facts = self.engine.facts
        try:
            return load_shared(facts.name, self.file, threads=self.threads, cached=True)
        except EngineError as error:
            without = PassedOver(f"{facts.name}, clips together", reason(error))
            self.engine.facts = replace(facts, passed_over=(*facts.passed_over, without))
            return None


def load_model(
    path: Path | None = None,
    *,
    engine: str = "auto",
    precision: str | None = None,
    threads: int = 0,
    beats: Rule | None = "default",
) -> LoadedModel:
    """Open a bundle or .onnx file (None: the demo model), verify it and load it into an engine.

    Raises `ModelError` and `EngineError`. `threads` 0 leaves the number to the engine. `beats`:
    how they are found, if the bundle has a segmentation; None: it is not run.
    """
    file = open_model(path, precision=precision)
    return load_opened(file, engine=engine, threads=threads, beats=beats)


def load_opened(
    file: ModelFile, *, engine: str = "auto", threads: int = 0, beats: Rule | None = "default"
) -> LoadedModel:
    """Load a model file that is already open and verified; see `load_model`."""
    trust = load_trust(file)
    ready = load_engine(engine, file, threads=threads, cached=True)
    model = LoadedModel(file, ready, trust, threads)
    if beats is None or file.segmentation is None:
        return model
    masks = load_segmentation(engine, file, threads=threads, cached=True)
    return replace(model, masks=masks, rule=beats)
