"""A worker process: its main loop, and how it ended."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from edgeecho.batch.task import Task
from edgeecho.common.cpu import stay_on
from edgeecho.common.errors import EdgeEchoError
from edgeecho.inference import LoadedModel
from edgeecho.results import Outcome

PATIENCE_S = 10
"""Time in s for a process to end."""
Asked = tuple[int, Path]
"""Index of a file, and the file."""
Answered = tuple[int, Outcome]
"""Index of the file, and its outcome."""


def ending_of(process: BaseProcess) -> str:
    """How a process ended, in words."""
    process.join(PATIENCE_S)
    code = process.exitcode
    if code is None or code >= 0:
        return f"exit code {code}"
    return next((s.name for s in signal.Signals if s == -code), f"signal {-code}")


def work_on(pipe: Connection, task: Task, threads: int, seat: int) -> None:
    """Main function of a worker: load the model once, then answer files until the pipe closes."""
    # Ctrl-C reaches every process of the terminal; a worker is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settle(seat, threads)
    from edgeecho.common.console import words

    words.quiet = seat > 0  # all workers would print the same about the cache

    def answer(asked: Asked, model: LoadedModel) -> Answered:
        place, file = asked
        return place, task.answer(file, partial(task.read, file), model)

    answer_until_done(pipe, lambda: task.load(threads), answer)


def settle(share: int, threads: int) -> None:
    """Keep this process to its share of the machine's cores, `threads` of them."""
    # OpenVINO pins its threads, and without this every worker uses the same first cores (measured:
    # two workers with one thread each took 7.2 s for 30 videos, one worker 5.3 s).
    stay_on(slice(share * threads, (share + 1) * threads))
    import cv2

    cv2.setNumThreads(threads)


def answer_until_done(
    pipe: Connection,
    load: Callable[[], LoadedModel],
    answer: Callable[[Any, LoadedModel], object],
) -> None:
    """Serve answers in a process of its own.

    Send None once the model is loaded, or the error; then answer every message until the pipe
    closes.
    """
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        try:
            model = load()
        except EdgeEchoError as error:
            pipe.send(error)
            return
        pipe.send(None)
        while True:
            pipe.send(answer(pipe.recv(), model))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # The parent has closed the pipe or was killed.
        return


def _end_with_parent() -> None:
    """Exit when the parent ends, since a process that hangs does not notice its closed pipe."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
