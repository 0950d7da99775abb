"""The options of a call, and answering a single file with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from edgeecho.beats import Rule
from edgeecho.bundle import ModelFile
from edgeecho.cine import DecodeLimits
from edgeecho.common.errors import EngineError, InputError, MissingDependencyError
from edgeecho.common.files import sha256_file
from edgeecho.common.text import shown_name
from edgeecho.engines import load_limit_s
from edgeecho.inference import (
    LoadedModel,
    ProgressCallback,
    ReadyVideo,
    estimate_ready,
    load_opened,
    read_ready,
)
from edgeecho.preprocess import Handling
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.results.pictures import Pictures


@dataclass(frozen=True, eq=False)
class ReadFile:
    """A preprocessed file and the hash of its bytes."""

    ready: ReadyVideo
    sha256: str | None
    """None if the file was removed just after it was read."""


@dataclass(frozen=True)
class Task:
    """How to answer a file; it is sent to worker processes."""

    model: ModelFile
    engine: str
    clips: str
    """Clip mode."""
    handling: Handling
    fps: float | None
    """Frame rate in frames/s that overrides the file's."""
    limits: DecodeLimits
    show_refused: bool
    frames: int
    """Number of frames of each video to keep for the HTML page; 0 for none."""
    beats: Rule | None = "default"
    """How beats are found, if the model has a segmentation; None: it is not run."""

    @property
    def load_limit_s(self) -> float:
        """Time limit for `load` in s."""
        return load_limit_s(self.engine)

    def absolute(self) -> Task:
        """The same for a process in another folder."""
        return replace(self, model=self.model.absolute())

    def load(self, threads: int) -> LoadedModel:
        """Load the model; see `load_model`."""
        return load_opened(self.model, engine=self.engine, threads=threads, beats=self.beats)

    def read(self, file: Path) -> ReadFile:
        """Do everything that needs no engine."""
        ready = read_ready(
            file, self.model.preprocess, handling=self.handling, fps=self.fps, limits=self.limits
        )
        try:
            return ReadFile(ready, sha256_file(file))
        except OSError:
            return ReadFile(ready, None)

    def answer(
        self,
        file: Path,
        read: Callable[[], ReadFile],
        model: LoadedModel,
        *,
        on_progress: ProgressCallback | None = None,
    ) -> Outcome:
        """The outcome of a file; `read` returns what `Task.read` returned, or raises its error.

        `on_progress`: see `run_clips`.
        """
        name = shown_name(file)
        try:
            found = read()
            estimate = estimate_ready(found.ready, model, clips=self.clips, on_progress=on_progress)
        except (InputError, EngineError, MissingDependencyError) as error:
            return Outcome(name, Failure.of(error))
        prepared = found.ready.prepared
        pictures = Pictures.of(prepared, estimate, self.frames) if self.frames else None
        answer = Answer.of(estimate, show_refused=self.show_refused)
        return Outcome(name, answer, found.sha256, pictures)
