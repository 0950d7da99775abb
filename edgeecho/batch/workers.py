"""Answering files with workers: a video that crashes or hangs one affects no other.

What is decided here holds for every crew: processes of this machine, and actors on a Ray.
"""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edgeecho.batch.crew import Crew, Ended, Loaded, Told, Worker
from edgeecho.batch.worker import Answered, Asked
from edgeecho.common.errors import EdgeEchoError, EngineError, InputError
from edgeecho.common.text import shown_name
from edgeecho.results import Failure, Outcome

# A video that crashed a worker is tried again: the cause may have been the memory of all workers
# together, or a race in a library.
_TRIES = 2
# A machine that is lost is seldom a video's fault; but one that takes all memory can end it.
_LOSSES = 5


def answer_in_workers(
    crew: Crew,
    files: Iterable[Asked],
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
    work = _Work(crew, files, limit_s, give_up=give_up)
    work.tries[0] += first_was_tried
    try:
        while work.goes_on:
            yield from work.turn()
    finally:
        work.dismiss()


@dataclass
class _Files:
    """The files that are left."""

    new: Iterator[Asked]
    again: deque[Asked] = field(default_factory=deque)
    """Files to be tried again, after all others: when less else is running."""

    def __post_init__(self) -> None:
        self._next = next(self.new, None)

    def __bool__(self) -> bool:
        return self._next is not None or bool(self.again)

    def take(self) -> Asked:
        if self._next is None:
            return self.again.popleft()
        taken, self._next = self._next, next(self.new, None)
        return taken


class _Work:
    """The workers, and the files that are left."""

    def __init__(
        self, crew: Crew, files: Iterable[Asked], limit_s: float, *, give_up: bool
    ) -> None:
        self._crew, self._limit_s, self._give_up = crew, limit_s, give_up
        self._files = _Files(iter(files))
        self.tries: Counter[int] = Counter()
        self._losses: Counter[int] = Counter()
        self._answered = False
        self._workers: list[Worker] = []

    @property
    def goes_on(self) -> bool:
        return bool(self._files) or any(w.asked is not None for w in self._workers)

    def turn(self) -> Iterator[Answered]:
        """Fill free seats, hear what workers say, and hand out files."""
        if self._files:
            self._workers.extend(self._crew.hire())
        soonest = min((worker.until for worker in self._workers), default=math.inf)
        patience = None if soonest == math.inf else max(0.0, soonest - time.monotonic())
        for worker, told in self._crew.listen(self._workers, patience):
            yield from self._heard(worker, told)
        for worker in [w for w in self._workers if w.until <= time.monotonic()]:
            self._crew.end(worker)
            yield from self._lost(worker, Ended(f"it said nothing for {worker.limit_s:g} s"))
        self._hand_out()

    def _heard(self, worker: Worker, told: Told) -> Iterator[Answered]:
        if isinstance(told, Loaded):
            worker.loaded = True
            worker.rest()
        elif isinstance(told, EdgeEchoError):
            if len(self._workers) == 1 or not self._crew.passes_over(worker, told):
                raise told
            self._workers.remove(worker)
        elif isinstance(told, Ended):
            yield from self._lost(worker, told)
        else:
            worker.rest()
            self._answered = True
            yield told

    def _hand_out(self) -> None:
        for worker in self._workers:
            if worker.loaded and worker.asked is None and self._files:
                worker.asked = self._files.take()
                worker.begin(self._limit_s)
                self._crew.ask(worker, worker.asked)

    def _lost(self, worker: Worker, ended: Ended) -> Iterator[Answered]:
        self._workers.remove(worker)
        # A worker that could not load the model is not replaced: the next one could not either.
        replace = worker.loaded or ended.with_machine
        self._crew.lost(worker, replace=replace)
        if not replace and not self._workers:
            error = EngineError(
                f"a worker was ended ({ended.how}) while it loaded the model: is there enough "
                "memory? Give fewer --workers"
            )
            if self._give_up or not self._answered:
                raise error
            while self._files:
                place, file = self._files.take()
                yield place, Outcome(shown_name(file), Failure.of(error))
        if worker.asked is not None:
            yield from self._try_again(worker.asked, ended)

    def _try_again(self, asked: Asked, ended: Ended) -> Iterator[Answered]:
        place, file = asked
        counts, most = (self._losses, _LOSSES) if ended.with_machine else (self.tries, _TRIES)
        counts[place] += 1
        if counts[place] < most:
            self._files.again.append(asked)
        else:
            yield place, _given_up(file, ended.how, most)

    def dismiss(self) -> None:
        # After an error or Ctrl-C, some are still answering.
        self._crew.dismiss(self._workers, at_once=self.goes_on)


def _given_up(file: Path, ending: str, tries: int) -> Outcome:
    name = shown_name(file)
    error = InputError(
        f"{name}: the process that answered it was ended ({ending}), {tries} times: the file is "
        "damaged or long, or there is too little memory: try it with --workers 1 and a smaller "
        "--max-mb, or a higher --limit"
    )
    return Outcome(name, Failure.of(error))
