"""Files answered in several processes: a video that ends or hangs one of them ends nothing else."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from edgeecho.batch.task import Task
from edgeecho.common.cpu import stay_on, usable_cores
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.common.text import shown_name
from edgeecho.inference import LoadedModel
from edgeecho.results import Failure, Outcome

# A video that ended a worker gets a second one: it may have been the memory of all together, and a
# hang may be a race of a library.
_TRIES = 2
_PATIENCE_S = 10

Answered = tuple[int, Outcome]
"""Place among the files, and what became of that one."""


@dataclass(frozen=True)
class Crew:
    """How many processes, so that together they have no more threads than there are cores."""

    workers: int
    threads: int
    """Of each."""
    cores: int

    @classmethod
    def of(cls, wanted: int, files: int) -> Crew:
        """At most `wanted`, one core at least for each, and none that has nothing to do."""
        cores = usable_cores()
        workers = max(1, min(wanted, cores, files))
        return cls(workers, cores // workers, cores)

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        if self.workers == 1:
            return f"1 worker with {threads} on {self.cores} cores"
        return f"{self.workers} workers with {threads} each on {self.cores} cores"


@dataclass(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection
    seat: int
    """Which share of the cores it has, counted from 0."""
    loaded: bool = False
    place: int | None = None
    """Of the file that it answers."""
    until: float = math.inf
    """When it must have said something, by the monotonic clock in s."""


def answer_in_workers(
    task: Task,
    files: Sequence[Path],
    crew: Crew,
    limit_s: float,
    *,
    first_was_tried: bool = False,
) -> Generator[Answered, None, None]:
    """What became of each file, as they come.

    A file whose worker is ended by a crash or a kill, or says nothing for `limit_s` and is ended
    here, is tried once more; then it has failed, with `InputError`'s exit code. `EdgeEchoError`
    where the model cannot be loaded, unless a file was answered: then the others have failed.
    `first_was_tried`: the first file hung before, elsewhere.
    """
    work = _Work(task, files, crew, limit_s)
    work.tries[0] += first_was_tried
    try:
        for seat in range(min(crew.workers, len(files))):
            work.add_worker(seat)
        while work.goes_on:
            yield from work.listen()
            work.hand_out()
    finally:
        work.dismiss()


class _Work:
    """Who answers what, and what is left."""

    def __init__(self, task: Task, files: Sequence[Path], crew: Crew, limit_s: float) -> None:
        self._task, self._files, self._crew, self._limit_s = task, files, crew, limit_s
        self._left = deque(range(len(files)))
        self.tries: Counter[int] = Counter()
        self._answered = False
        self._workers: dict[Connection, _Worker] = {}

    @property
    def goes_on(self) -> bool:
        return bool(self._left) or any(w.place is not None for w in self._workers.values())

    def add_worker(self, seat: int) -> None:
        # Spawned, never forked: this process has threads, and no engine survives a fork.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._task, self._crew.threads, seat)
        process = context.Process(target=_work, args=arguments, daemon=True)
        process.start()
        theirs.close()  # or its end would not be seen
        until = time.monotonic() + self._task.load_limit_s
        self._workers[ours] = _Worker(process, ours, seat, until=until)

    def listen(self) -> Iterator[Answered]:
        """Wait until somebody says something, is gone, or has said nothing for too long."""
        soonest = min(worker.until for worker in self._workers.values())
        patience = None if soonest == math.inf else max(0.0, soonest - time.monotonic())
        for pipe in wait(list(self._workers), patience):
            worker = self._workers[pipe]  # type: ignore[index]  # these are the keys
            try:
                told = worker.pipe.recv()
            except (EOFError, OSError):
                yield from self._lost(worker, ending_of(worker.process))
                continue
            if isinstance(told, EdgeEchoError):
                raise told
            worker.loaded, worker.place, worker.until = True, None, math.inf
            if told is not None:
                self._answered = True
                yield told
        for worker in [w for w in self._workers.values() if w.until <= time.monotonic()]:
            limit_s = self._limit_s if worker.loaded else self._task.load_limit_s
            worker.process.kill()
            yield from self._lost(worker, f"it said nothing for {limit_s:g} s")

    def hand_out(self) -> None:
        for worker in self._workers.values():
            if not self._left:
                return
            if worker.loaded and worker.place is None:
                worker.place = self._left.popleft()
                worker.until = time.monotonic() + self._limit_s
                try:
                    worker.pipe.send((worker.place, self._files[worker.place]))
                except OSError:  # it is gone: listening tells
                    continue

    def _lost(self, worker: _Worker, ending: str) -> Iterator[Answered]:
        del self._workers[worker.pipe]
        worker.pipe.close()
        if not worker.loaded and not self._workers:
            error = EngineError(
                f"a worker was ended ({ending}) while it loaded the model: is there enough "
                "memory? Give fewer --workers"
            )
            if not self._answered:
                raise error
            while self._left:
                place = self._left.popleft()
                yield place, Outcome(shown_name(self._files[place]), Failure.of(error))
        if worker.place is not None:
            self.tries[worker.place] += 1
            if self.tries[worker.place] < _TRIES:
                self._left.append(worker.place)  # last, when less else is running
            else:
                yield worker.place, _given_up(self._files[worker.place], ending)
        # Who could not even load the model would not the next time.
        if worker.loaded and self._left:
            self.add_worker(worker.seat)

    def dismiss(self) -> None:
        for worker in self._workers.values():
            worker.pipe.close()  # whoever waits for the next file ends
            if self.goes_on:  # an error, or Ctrl-C
                worker.process.terminate()
        for worker in self._workers.values():
            worker.process.join(_PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()


def ending_of(process: BaseProcess) -> str:
    """How a process that is gone was ended, in words."""
    process.join(_PATIENCE_S)
    code = process.exitcode
    if code is None or code >= 0:
        return f"exit code {code}"
    return next((s.name for s in signal.Signals if s == -code), f"signal {-code}")


def _given_up(file: Path, ending: str) -> Outcome:
    name = shown_name(file)
    error = InputError(
        f"{name}: the process that answered it was ended ({ending}), {_TRIES} times: the file is "
        "damaged or long, or there is too little memory: try it with --workers 1 and a smaller "
        "--max-mb, or a higher --limit"
    )
    return Outcome(name, Failure.of(error))


def _work(pipe: Connection, task: Task, threads: int, seat: int) -> None:
    """The worker: load the model once, then answer file by file until nobody asks any more."""
    # Ctrl-C goes to every process of the terminal; this one is ended by the one that started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # OpenVINO pins its threads: left to itself each worker takes the same first cores (measured:
    # two workers with a thread each were slower than one, 7.2 s against 5.3 s for 30 videos).
    stay_on(slice(seat * threads, (seat + 1) * threads))
    import cv2

    from edgeecho.common.console import words

    words.quiet = seat > 0  # all of them would say the same of the cache
    cv2.setNumThreads(threads)

    def answer(asked: tuple[int, Path], model: LoadedModel) -> Answered:
        place, file = asked
        return place, task.answer(file, partial(task.read, file), model)

    answer_until_done(pipe, lambda: task.load(threads), answer)


def answer_until_done(
    pipe: Connection,
    load: Callable[[], LoadedModel],
    answer: Callable[[Any, LoadedModel], object],
) -> None:
    """A process apart: tell None once the model is loaded, or why it cannot be; then give an answer
    to everything that comes, until nobody asks any more.
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
        # Nobody asks, or nobody listens: the process that started this one is done, or was killed.
        return


def _end_with_parent() -> None:
    """A process in which something hangs does not see that nobody waits for it any more."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
