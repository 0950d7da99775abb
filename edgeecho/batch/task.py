"""What a call wants of each of its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeecho.bundle import ModelFile
from edgeecho.cine import Limits
from edgeecho.common.errors import EngineError, InputError, MissingDependencyError
from edgeecho.common.files import sha256_file
from edgeecho.common.text import shown_name
from edgeecho.engines import load_limit_s
from edgeecho.inference import LoadedModel, Ready, Tell, estimate_ready, load_opened, read_ready
from edgeecho.preprocess import Handling
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.results.pictures import Pictures


@dataclass(frozen=True, eq=False)
class ReadFile:
    """A file that was read, and the hash of its bytes."""

    ready: Ready
    sha256: str | None
    """None: it was taken away just after."""


@dataclass(frozen=True)
class Task:
    """How to answer a file; it travels to other processes."""

    model: ModelFile
    engine: str
    clips: str
    """Clip mode."""
    handling: Handling
    fps: float | None
    """In frames/s, instead of what the file says."""
    limits: Limits
    show_refused: bool
    frames: int
    """So many of each video are kept for a page; 0: none."""

    @property
    def load_limit_s(self) -> float:
        """So long may `load` take, in s."""
        return load_limit_s(self.engine)

    def load(self, threads: int) -> LoadedModel:
        """The model, ready to answer; see `load_model`."""
        return load_opened(self.model, engine=self.engine, threads=threads)

    def read(self, file: Path) -> ReadFile:
        """All that needs no engine."""
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
        tell: Tell | None = None,
    ) -> Outcome:
        """What becomes of a file; `read` gives it or raises what `Task.read` raised.

        `tell`: see `run_clips`.
        """
        name = shown_name(file)
        try:
            found = read()
            estimate = estimate_ready(found.ready, model, clips=self.clips, tell=tell)
        except (InputError, EngineError, MissingDependencyError) as error:
            return Outcome(name, Failure.of(error))
        prepared = found.ready.prepared
        pictures = Pictures.of(prepared, estimate, self.frames) if self.frames else None
        answer = Answer.of(estimate, show_refused=self.show_refused)
        return Outcome(name, answer, found.sha256, pictures)
