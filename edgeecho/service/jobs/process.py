"""The engine in its own process, so that it can be stopped at once, or crash alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from edgeecho.batch import Task
from edgeecho.batch.worker import ending_of
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.engines import Outputs
from edgeecho.results import Failure, Outcome
from edgeecho.service.jobs.clips import ClipFile
from edgeecho.service.jobs.work import Progress, work

_POLL_S = 0.05
_PATIENCE_S = 10
_TRIES = 2


class Stopped(Exception):  # noqa: N818 not an error: somebody asked for it
    """A file was given up because it is no longer wanted."""


class EngineProcess:
    """Answers one file or request at a time. For one thread, which first calls `start`."""

    def __init__(self, task: Task, *, threads: int = 0) -> None:
        self._task, self._threads = task, threads
        self._running: tuple[BaseProcess, Connection] | None = None

    def start(self, stop: threading.Event | None = None) -> None:
        """Load the model; errors as in `load_model`, `EngineError` if the process crashes or hangs.

        `Stopped` once `stop` is set.
        """
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=work, args=(theirs, self._task, self._threads), daemon=True
        )
        process.start()
        theirs.close()
        self._running = process, ours
        limit_s = self._task.load_limit_s
        try:
            told = self._hear(ours, stop, time.monotonic() + limit_s)
        except TimeoutError:
            told = EngineError(f"the model was not ready within {limit_s:g} s")
        except (EOFError, OSError):
            told = EngineError(
                f"the engine's process was ended ({ending_of(process)}) while it loaded the "
                "model: is there enough memory?"
            )
        if isinstance(told, EdgeEchoError):
            self.close()
            raise told

    def answer(
        self,
        file: Path,
        *,
        name: str,
        on_progress: Callable[[Progress], None],
        stop: threading.Event,
        limit_s: float,
    ) -> Outcome:
        """The outcome of `file`, which it calls `name`; a `Failure` after `limit_s`.

        After a crash or an engine's failure it tries once more in a new process: other programs may
        have used the memory at first. `Stopped` once `stop` is set; `EngineError` if a new process
        cannot load the model.
        """
        how, last = "", None
        for _ in range(_TRIES):
            process, pipe = self._ready(stop)
            try:
                outcome: Outcome = self._ask(
                    pipe, file, on_progress, stop, time.monotonic() + limit_s
                )
            except TimeoutError:
                self.close()
                return failed(
                    name,
                    f"not answered within {limit_s:g} s, the limit of this service: send a "
                    "shorter video, or raise the limit",
                )
            except (EOFError, OSError):
                how = ending_of(process)
            else:
                last = replace(outcome, file=name)
                if not _is_the_engines(last):
                    return last
            self.close()
        return last or failed(
            name,
            f"the process that answered it was ended ({how}), {_TRIES} times: the file is damaged, "
            "or there is too little memory",
        )

    def run_clips(self, clips: ClipFile, *, stop: threading.Event, limit_s: float) -> Outputs:
        """The network's outputs. `InputError` if the clips cannot be used or take longer than
        `limit_s`, `EngineError` if the engine fails or crashes; nothing is tried again.

        `Stopped` once `stop` is set.
        """
        process, pipe = self._ready(stop)
        until = time.monotonic() + limit_s
        try:
            told = self._ask(pipe, clips, lambda _progress: None, stop, until)
        except TimeoutError as error:
            self.close()
            raise InputError(
                f"not answered within {limit_s:g} s, the limit of this service: send fewer clips"
            ) from error
        except (EOFError, OSError) as error:
            how = ending_of(process)
            self.close()
            raise EngineError(f"the engine's process was ended ({how}): send it again") from error
        if isinstance(told, EdgeEchoError):
            raise told
        assert isinstance(told, Outputs)
        return told

    def _ready(self, stop: threading.Event) -> tuple[BaseProcess, Connection]:
        if self._running is None or not self._running[0].is_alive():
            self.close()
            self.start(stop)
        assert self._running is not None
        return self._running

    def _ask(
        self,
        pipe: Connection,
        asked: Path | ClipFile,
        on_progress: Callable[[Progress], None],
        stop: threading.Event,
        until: float,
    ) -> Any:
        """An `Outcome` for a file; `Outputs` or an `EdgeEchoError` for clips."""
        pipe.send(asked)
        while isinstance(told := self._hear(pipe, stop, until), Progress):
            on_progress(told)
            self._go_on(stop, until)  # also if progress messages keep coming
        return told

    def _hear(self, pipe: Connection, stop: threading.Event | None, until: float) -> Any:
        """The next message of the process; `EOFError` or `OSError` if it is gone."""
        while not pipe.poll(_POLL_S):
            self._go_on(stop, until)
        return pipe.recv()

    def _go_on(self, stop: threading.Event | None, until: float) -> None:
        """`Stopped`, or `TimeoutError` after `until`, a time of the monotonic clock."""
        if stop and stop.is_set():
            self.close()
            raise Stopped
        if time.monotonic() > until:
            raise TimeoutError

    def close(self) -> None:
        if self._running is not None:
            process, pipe = self._running
            pipe.close()
            process.kill()
            process.join(_PATIENCE_S)
        self._running = None


def _is_the_engines(outcome: Outcome) -> bool:
    """Whether the engine failed, not the file: such an engine may keep failing."""
    return isinstance(outcome.answer, Failure) and outcome.answer.exit_code == EngineError.exit_code


def failed(name: str, words: str) -> Outcome:
    return Outcome(name, Failure.of(InputError(f"{name}: {words}")))
