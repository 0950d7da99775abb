"""What is compared: an engine, a precision, and how many clips one call of the engine answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeecho.beats import Rule
from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import PRECISIONS
from edgeecho.inference import BATCH, LoadedModel, load_opened

_FORM = re.compile(
    rf"(?:([a-z][a-z0-9-]*):)?({'|'.join(PRECISIONS)})(?::batch([1-9][0-9]{{0,2}}))?(:plain)?(:nobeats)?"
)


@dataclass(frozen=True)
class Subject:
    """One way to answer; what a user writes after `--compare`."""

    engine: str
    precision: str | None
    """None: what `load_model` takes."""
    batch: int | None = None
    """Clips of a call; None: as `edgeecho infer` has it."""
    plain: bool = False
    """Clips that overlap are answered each by itself, even where the model can share."""
    beats: bool = True
    """The segmentation runs, if the model has one."""

    @classmethod
    def parse(cls, text: str, *, engine: str = "auto") -> Subject:
        """`[ENGINE:]PRECISION[:batchN][:plain][:nobeats]`; anything else is a `UsageError`."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(
                f"--compare {text!r} is not understood: write "
                "[ENGINE:]PRECISION[:batchN][:plain][:nobeats], such as int8 or "
                f"openvino:fp32:batch8, with one of {', '.join(PRECISIONS)}"
            )
        named, precision, batch, plain, bare = found.groups()
        size = int(batch) if batch else None
        return cls(named or engine, precision, size, bool(plain), beats=not bare)

    def label_of(self, model: LoadedModel) -> str:
        """In the form that `parse` reads, with what `auto` and None stood for."""
        parts = [model.engine.facts.name, model.file.precision]
        parts += [f"batch{self.batch}"] if self.batch else []
        parts += ["plain"] * self.plain + ["nobeats"] * (not self.beats)
        return ":".join(parts)

    def load(self, path: Path | None, threads: int) -> LoadedModel:
        """Make it ready; errors of `load_model`."""
        return self.load_opened(self.open(path), threads)

    def open(self, path: Path | None) -> ModelFile:
        """What is to be loaded; errors of `open_model`."""
        file = open_model(path, precision=self.precision)
        return replace(file, shared=None) if self.plain else file

    def load_opened(self, file: ModelFile, threads: int) -> LoadedModel:
        """`load` of what `open` gave."""
        beats: Rule | None = "default" if self.beats else None
        model = load_opened(file, engine=self.engine, threads=threads, beats=beats)
        return replace(model, batch=self.batch or BATCH)


def load_subjects(
    path: Path | None, subjects: Sequence[Subject], threads: int, *, alone_too: bool = False
) -> dict[str, tuple[Subject, LoadedModel]]:
    """By label. `alone_too`: whoever shares is also there without it, and before it.

    `UsageError` where two are the same.
    """
    loaded: dict[str, tuple[Subject, LoadedModel]] = {}
    for subject in subjects:
        model = subject.load(path, threads)
        pair = [(subject, model)]
        if alone_too and model.sharing:
            alone = replace(model, file=replace(model.file, shared=None))
            pair.insert(0, (replace(subject, plain=True), alone))
        for one, ready in pair:
            label = one.label_of(ready)
            if label in loaded:
                raise UsageError(f"--compare names {label} twice: leave one out")
            loaded[label] = (one, ready)
    return loaded
