"""Workers that are processes of this machine."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from edgeecho.batch.crew import Ended, Loaded, Told, Worker
from edgeecho.batch.task import Task
from edgeecho.batch.worker import PATIENCE_S, Answered, Asked, ending_of, work_on
from edgeecho.common.cpu import usable_cores
from edgeecho.common.errors import EdgeEchoError


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


@dataclass(frozen=True)
class _Process:
    process: BaseProcess
    pipe: Connection


class Processes:
    """The crew of this machine; a seat is the index of a worker's share of the cores."""

    def __init__(self, task: Task, plan: WorkerPlan) -> None:
        self._task, self._plan = task, plan
        self._free = list(range(plan.workers))

    def hire(self) -> Iterator[Worker]:
        """Start a process for each free seat."""
        while self._free:
            yield self._start(self._free.pop(0))

    def _start(self, seat: int) -> Worker:
        # Spawned, not forked: this process has threads, and no engine survives a fork.
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        arguments = (theirs, self._task, self._plan.threads, seat)
        process = context.Process(target=work_on, args=arguments, daemon=True)
        process.start()
        theirs.close()  # otherwise the worker's end would go unnoticed
        worker = Worker(seat, _Process(process, ours))
        worker.begin(self._task.load_limit_s)
        return worker

    def ask(self, worker: Worker, asked: Asked) -> None:
        """Send a file to a process."""
        try:
            worker.handle.pipe.send(asked)
        except OSError:  # it has ended, which `listen` will find out
            return

    def listen(
        self, workers: Collection[Worker], seconds: float | None
    ) -> Iterator[tuple[Worker, Told]]:
        """Wait until a process sends a message or ends."""
        by_pipe: dict[Any, Worker] = {worker.handle.pipe: worker for worker in workers}
        for pipe in wait(list(by_pipe), seconds):
            worker = by_pipe[pipe]
            try:
                told: EdgeEchoError | Answered | None = worker.handle.pipe.recv()
            except (EOFError, OSError):
                worker.handle.pipe.close()
                yield worker, Ended(ending_of(worker.handle.process))
                continue
            yield worker, Loaded() if told is None else told

    def end(self, worker: Worker) -> None:
        """Kill a process."""
        worker.handle.process.kill()
        worker.handle.pipe.close()

    def lost(self, worker: Worker, *, replace: bool) -> None:
        """Its seat is free, if another is worth a try."""
        if replace:
            self._free.append(worker.seat)

    def passes_over(self, worker: Worker, error: EdgeEchoError) -> bool:  # noqa: ARG002
        """What one cannot load here, none can."""
        return False

    def dismiss(self, workers: Collection[Worker], *, at_once: bool) -> None:
        """End all processes."""
        for worker in workers:
            worker.handle.pipe.close()  # a worker that waits for a file ends
            if at_once:
                worker.handle.process.terminate()
        for worker in workers:
            worker.handle.process.join(PATIENCE_S)
            if worker.handle.process.is_alive():
                worker.handle.process.kill()
