"""Answering files in worker processes: a video that crashes or hangs one affects no other."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from edgeecho.batch.task import Task
from edgeecho.batch.worker import PATIENCE_S, Answered, Asked, ending_of, work_on
from edgeecho.common.cpu import usable_cores
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.common.text import shown_name
from edgeecho.results import Failure, Outcome

# A video that crashed a worker is tried again: the cause may have been the memory of all workers
# together, or a race in a library.
_TRIES = 2


@dataclass(frozen=True)
class WorkerPlan:
    """The number of worker processes and their threads, together at most the number of cores."""

    workers: int
    threads: int
    """Threads per worker."""
    cores: int

    @classmethod
    def of(cls, wanted: int, files: int) -> WorkerPlan:
        """At most `wanted` workers, with at least one core each, and none without a file."""
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
    """Index of its share of the cores."""
    loaded: bool = False
    asked: Asked | None = None
    """The file that it is answering."""
    until: float = math.inf
    """Deadline for its next message, in s of the monotonic clock."""


def answer_in_workers(
    task: Task,
    files: Iterable[Asked],
    plan: WorkerPlan,
    limit_s: float,
    *,
    first_was_tried: bool = False,
    give_up: bool = False,
) -> Generator[Answered, None, None]:
    """Yield the outcome of each file as soon as it is known; `files` are taken as they are needed.

    If a worker crashes, is killed, or takes longer than `limit_s`, its file is tried once more and
    then fails, with the exit code of `InputError`. `EdgeEchoError` if the model cannot be loaded;
    but if a file was answered before, the remaining files fail instead, unless `give_up`.
    `first_was_tried` says that the first file already hung elsewhere.
    """
    work = _Work(task, files, plan, limit_s, give_up=give_up)
    work.tries[0] += first_was_tried
    try:
        if not work.goes_on:
            return
        for seat in range(plan.workers):
            work.add_worker(seat)
        while work.goes_on:
            yield from work.listen()
            work.hand_out()
    finally:
        work.dismiss()


class _Work:
    """The workers, and the files that are left."""

    def __init__(
        self,
        task: Task,
        files: Iterable[Asked],
        plan: WorkerPlan,
        limit_s: float,
        *,
        give_up: bool,
    ) -> None:
        self._task, self._plan, self._limit_s, self._give_up = task, plan, limit_s, give_up
        self._files = iter(files)
        self._next = next(self._files, None)
        self._again: deque[Asked] = deque()
        """Files to be tried again, after all others: when less else is running."""
        self.tries: Counter[int] = Counter()
        self._answered = False
        self._workers: dict[Connection, _Worker] = {}

    @property
    def goes_on(self) -> bool:
        return self._more or any(w.asked is not None for w in self._workers.values())

    @property
    def _more(self) -> bool:
        """Whether a file waits for a worker."""
        return self._next is not None or bool(self._again)

    def _take(self) -> Asked:
        if self._next is None:
            return self._again.popleft()
        taken, self._next = self._next, next(self._files, None)
        return taken

    def add_worker(self, seat: int) -> None:
        # Spawned, not forked: this process has threads, and no engine survives a fork.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._task, self._plan.threads, seat)
        process = context.Process(target=work_on, args=arguments, daemon=True)
        process.start()
        theirs.close()  # otherwise the worker's end would go unnoticed
        until = time.monotonic() + self._task.load_limit_s
        self._workers[ours] = _Worker(process, ours, seat, until=until)

    def listen(self) -> Iterator[Answered]:
        """Wait until a worker sends a message, ends, or exceeds its time limit."""
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
            worker.loaded, worker.asked, worker.until = True, None, math.inf
            if told is not None:
                self._answered = True
                yield told
        for worker in [w for w in self._workers.values() if w.until <= time.monotonic()]:
            limit_s = self._limit_s if worker.loaded else self._task.load_limit_s
            worker.process.kill()
            yield from self._lost(worker, f"it said nothing for {limit_s:g} s")

    def hand_out(self) -> None:
        for worker in self._workers.values():
            if worker.loaded and worker.asked is None:
                if not self._more:
                    return
                worker.asked = self._take()
                worker.until = time.monotonic() + self._limit_s
                try:
                    worker.pipe.send(worker.asked)
                except OSError:  # it has ended, which `listen` will find out
                    continue

    def _lost(self, worker: _Worker, ending: str) -> Iterator[Answered]:
        del self._workers[worker.pipe]
        worker.pipe.close()
        if not worker.loaded and not self._workers:
            error = EngineError(
                f"a worker was ended ({ending}) while it loaded the model: is there enough "
                "memory? Give fewer --workers"
            )
            if self._give_up or not self._answered:
                raise error
            while self._more:
                place, file = self._take()
                yield place, Outcome(shown_name(file), Failure.of(error))
        if worker.asked is not None:
            place, file = worker.asked
            self.tries[place] += 1
            if self.tries[place] < _TRIES:
                self._again.append(worker.asked)
            else:
                yield place, _given_up(file, ending)
        # A worker that could not load the model is not replaced: the next one could not either.
        if worker.loaded and self._more:
            self.add_worker(worker.seat)

    def dismiss(self) -> None:
        for worker in self._workers.values():
            worker.pipe.close()  # a worker that waits for a file ends
            if self.goes_on:  # after an error or Ctrl-C
                worker.process.terminate()
        for worker in self._workers.values():
            worker.process.join(PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()


def _given_up(file: Path, ending: str) -> Outcome:
    name = shown_name(file)
    error = InputError(
        f"{name}: the process that answered it was ended ({ending}), {_TRIES} times: the file is "
        "damaged or long, or there is too little memory: try it with --workers 1 and a smaller "
        "--max-mb, or a higher --limit"
    )
    return Outcome(name, Failure.of(error))
