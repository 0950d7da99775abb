"""What the engine's process does."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from edgeecho.batch import Task
from edgeecho.batch.worker import answer_until_done
from edgeecho.common.errors import EdgeEchoError
from edgeecho.engines import Outputs
from edgeecho.inference import LoadedModel
from edgeecho.results import Outcome
from edgeecho.service.jobs.clips import ClipFile


@dataclass(frozen=True)
class Progress:
    """Progress of one file."""

    stage: str
    """`reading` or `engine`."""
    done: int = 0
    """Number of clips."""
    of: int = 0


def work(pipe: Connection, task: Task, threads: int) -> None:
    """Load the model, then answer files and run clips until the pipe closes."""
    # Ctrl-C goes to every process of the terminal, and systemd's SIGTERM to every process of a
    # service; only the parent process ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def answer(asked: Path | ClipFile, model: LoadedModel) -> Outcome | Outputs | EdgeEchoError:
        if isinstance(asked, ClipFile):
            try:
                return asked.run(model)
            except EdgeEchoError as error:
                return error
        pipe.send(Progress("reading"))
        return task.answer(
            asked,
            partial(task.read, asked),
            model,
            on_progress=lambda done, of: pipe.send(Progress("engine", done, of)),
        )

    answer_until_done(pipe, lambda: task.load(threads), answer)
