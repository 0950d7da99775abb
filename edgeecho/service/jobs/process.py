"""The engine in a process of its own: it can be stopped at once, and may crash alone."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from edgeecho.batch import Task
from edgeecho.batch.worker import answer_until_done, ending_of
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.inference import LoadedModel
from edgeecho.results import Failure, Outcome

_POLL_S = 0.05
_PATIENCE_S = 10
_TRIES = 2


@dataclass(frozen=True)
class Progress:
    """How far a file is."""

    stage: str
    """`reading` or `engine`."""
    done: int = 0
    """Clips."""
    of: int = 0


class Stopped(Exception):  # noqa: N818 not an error: somebody asked for it
    """A file was given up because it was no longer wanted."""


class EngineProcess:
    """Answers one file at a time. For one thread; `start` goes before everything else."""

    def __init__(self, task: Task, *, threads: int = 0) -> None:
        self._task, self._threads = task, threads
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def start(self, stop: threading.Event | None = None) -> None:
        """Load the model; the errors of `load_model`, `EngineError` where it crashes or hangs.

        `Stopped` once `stop` is set.
        """
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(theirs, self._task, self._threads), daemon=True
        )
        process.start()
        theirs.close()
        self._process, self._pipe = process, ours
        end = time.monotonic() + self._task.load_limit_s
        try:
            while not ours.poll(_POLL_S):
                if stop and stop.is_set():
                    self.close()
                    raise Stopped
                if time.monotonic() > end:
                    raise TimeoutError
            told = ours.recv()
        except TimeoutError:
            told = EngineError(f"the model was not ready within {self._task.load_limit_s:g} s")
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
        tell: Callable[[Progress], None],
        stop: threading.Event,
        limit_s: float,
    ) -> Outcome:
        """What became of `file`, called `name` in it; a lapse of time is a `Failure`.

        A crash, or an engine that fails, gets a second try in a new process: the first may have
        been the memory of other programs. `Stopped` once `stop` is set; `EngineError` where a new
        process cannot load the model.
        """
        how, last = "", None
        for _ in range(_TRIES):
            if self._pipe is None or self._process is None or not self._process.is_alive():
                self.close()
                self.start(stop)
            assert self._pipe is not None
            assert self._process is not None
            try:
                outcome = self._ask(self._pipe, file, name, tell, stop, limit_s)
                if not _is_the_engines(outcome):
                    return outcome
                last = outcome
                self.close()
            except (EOFError, OSError):
                how = ending_of(self._process)
                self.close()
        return last or _failure(
            name,
            f"the process that answered it was ended ({how}), {_TRIES} times: the file is damaged, "
            "or there is too little memory",
        )

    def _ask(
        self,
        pipe: Connection,
        file: Path,
        name: str,
        tell: Callable[[Progress], None],
        stop: threading.Event,
        limit_s: float,
    ) -> Outcome:
        end = time.monotonic() + limit_s
        pipe.send(file)
        while True:
            if pipe.poll(_POLL_S):
                told = pipe.recv()
                if isinstance(told, Outcome):
                    return replace(told, file=name)
                tell(told)
            if stop.is_set():
                self.close()
                raise Stopped
            if time.monotonic() > end:
                self.close()
                return _failure(
                    name,
                    f"not answered within {limit_s:g} s, the limit of this service: send a "
                    "shorter video, or raise the limit",
                )

    def close(self) -> None:
        """End the process, at once."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.kill()
            self._process.join(_PATIENCE_S)
        self._pipe, self._process = None, None


def _is_the_engines(outcome: Outcome) -> bool:
    """Whether it was not the file's fault: an engine that failed once may fail from then on."""
    return isinstance(outcome.answer, Failure) and outcome.answer.exit_code == EngineError.exit_code


def _failure(name: str, words: str) -> Outcome:
    return Outcome(name, Failure.of(InputError(f"{name}: {words}")))


def _work(pipe: Connection, task: Task, threads: int) -> None:
    """The process: load the model, then answer file by file until nobody asks any more."""
    # Ctrl-C goes to every process of the terminal, and systemd's SIGTERM to every one of a service;
    # this one is ended by the one that started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def answer(file: Path, model: LoadedModel) -> Outcome:
        pipe.send(Progress("reading"))
        return task.answer(
            file,
            partial(task.read, file),
            model,
            tell=lambda done, of: pipe.send(Progress("engine", done, of)),
        )

    answer_until_done(pipe, lambda: task.load(threads), answer)
