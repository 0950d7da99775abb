"""A worker on a Ray: what runs on its nodes."""

from __future__ import annotations

import os
import platform
from functools import partial
from pathlib import Path

from edgeecho.batch.row import engine_words
from edgeecho.batch.task import Task
from edgeecho.batch.worker import Answered, Asked, settle
from edgeecho.bundle import check_files
from edgeecho.common.about import VERSION
from edgeecho.common.errors import EdgeEchoError, EngineError
from edgeecho.common.text import shown_name
from edgeecho.inference import LoadedModel
from edgeecho.results import Failure, Outcome


class Actor:
    """Loads the model once, then answers files. Nothing of a video enters Ray, only its path."""

    def __init__(self, task: Task, share: int, threads: int) -> None:
        self._task, self._threads = task, threads
        settle(share, threads)
        self._model: LoadedModel | None = None

    def here(self) -> None:
        """The process runs."""

    def load(self, version: str, marker: Path) -> EdgeEchoError | str:
        """Load the model; return its engine's words, or the reason if that is impossible.

        `version` of edgeecho asks, and `marker` is a file of its table, which this node must see.
        """
        try:
            if version != VERSION:
                raise EngineError(f"it has edgeecho {VERSION}, not {version}: install the same")
            if not marker.is_file():
                raise EngineError(
                    f"it does not see {marker.parent}: put --out, the files and the model where "
                    "all nodes find them under the same path"
                )
            check_files(self._task.model)
            self._model = self._task.load(self._threads)
        except EdgeEchoError as error:
            return error
        return engine_words(self._model.engine.facts)

    def answer(self, asked: Asked, *, seen: bool) -> Answered:
        """The outcome of a file; `seen` says that it is there, as the table's writer sees it."""
        if self._model is None:
            raise RuntimeError("asked before the model was loaded")
        place, file = asked
        if seen and not os.path.lexists(file):
            # Of the engine's kind: the fault is not the file's, and it is tried again.
            name = shown_name(file)
            error = EngineError(
                f"{name}: {platform.node()} does not find it: put the files where all nodes find "
                "them under the same path"
            )
            return place, Outcome(name, Failure.of(error))
        return place, self._task.answer(file, partial(self._task.read, file), self._model)
