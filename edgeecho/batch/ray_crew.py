"""Workers that are actors on the nodes of a Ray, which come and go.

Plain actors, not Ray Data: what is asked, tried again and written once is decided in `workers` and
`table`, for processes and actors alike; Ray starts and places actors, and tells which are lost. Ray
Data would be a second way to do that, in which a file that ends its process or hangs has no row.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edgeecho.batch.crew import Ended, Loaded, Told, Worker
from edgeecho.batch.ray_actor import Actor
from edgeecho.batch.ray_cluster import connected
from edgeecho.batch.ray_seats import Seat, Seating
from edgeecho.batch.table import Table
from edgeecho.batch.task import Task
from edgeecho.batch.worker import Asked
from edgeecho.common.about import VERSION
from edgeecho.common.console import words
from edgeecho.common.errors import EdgeEchoError, EngineError

_LOOK_S = 2.0
"""How often it looks which nodes there are."""
PATIENCE_S = 300.0
"""How long it waits for a node."""


@dataclass
class _Reached:
    """An actor, and the message of it that is awaited."""

    actor: Any
    awaited: Any
    here: bool = False
    """Its process runs."""


class RayCrew:
    """The crew of a Ray, as long as one is connected."""

    def __init__(self, ray: Any, task: Task, seating: Seating, table: Table) -> None:
        self._ray, self._task, self._seating = ray, task.absolute(), seating
        self._table = table
        self._engine: str | None = None
        self._taken: dict[Seat, int] = {}
        """Seats with a worker, and which share of the machine's cores it has: several nodes may be
        on one machine."""
        self._shut: set[Seat] = set()
        """Seats on which a worker was ended while it loaded the model."""
        self._bad: set[str] = set()
        """Nodes on which the model cannot be loaded."""
        self._looked = float("-inf")
        self._alone_since: float | None = None

    def hire(self) -> Iterator[Worker]:
        """Start an actor on each free seat of all nodes that are there."""
        now = time.monotonic()
        if now - self._looked < _LOOK_S:
            return
        self._looked = now
        for node in self._nodes():
            seats = [] if node["NodeID"] in self._bad else self._seating.seats(node)
            if free := [s for s in seats if s not in self._taken and s not in self._shut]:
                self._say(free)
                yield from map(self._start, free)
        self._check_somebody_is_there(now)

    def _check_somebody_is_there(self, now: float) -> None:
        kind = "GPU" if self._seating.gpu else "core"
        if self._taken:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
            words.print(f"Ray has no node with a {kind}: waiting for one")
        elif now - self._alone_since > PATIENCE_S:
            raise EngineError(
                f"for {PATIENCE_S:g} s Ray has had no node with a {kind}: start some, and run the "
                "same command again"
            )

    def _nodes(self) -> list[dict[str, Any]]:
        return [node for node in self._ray.nodes() if node["Alive"]]

    def _say(self, seats: list[Seat]) -> None:
        number, threads = len(seats), seats[0].threads
        words.print(
            f"{seats[0].host}: {number} worker{'s' * (number > 1)} with "
            f"{threads} thread{'s' * (threads > 1)}"
        )

    def _start(self, seat: Seat) -> Worker:
        theirs = {share for other, share in self._taken.items() if other.host == seat.host}
        share = next(n for n in range(len(theirs) + 1) if n not in theirs)
        self._taken[seat] = share
        there = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        kind = self._ray.remote(Actor).options(
            num_cpus=seat.threads,
            num_gpus=seat.gpus,
            max_restarts=0,
            scheduling_strategy=there(seat.node, soft=False),
        )
        actor = kind.remote(self._task, share, seat.threads)
        return Worker(seat, _Reached(actor, actor.here.remote()))

    def ask(self, worker: Worker, asked: Asked) -> None:
        """Send a path to an actor."""
        place, file = asked
        seen = file.is_symlink() or file.exists()
        answer = worker.handle.actor.answer
        worker.handle.awaited = answer.remote((place, file.absolute()), seen=seen)

    def listen(
        self, workers: Collection[Worker], seconds: float | None
    ) -> Iterator[tuple[Worker, Told]]:
        """Wait until an actor answers or ends, or it is time to look for nodes."""
        seconds = _LOOK_S if seconds is None else min(seconds, _LOOK_S)
        by_awaited = {w.handle.awaited: w for w in workers if w.handle.awaited is not None}
        if not by_awaited:
            time.sleep(seconds)
            return
        awaited = list(by_awaited)
        self._ray.wait(awaited, timeout=seconds)
        ready, _ = self._ray.wait(awaited, num_returns=len(awaited), timeout=0)
        for one in ready:
            worker = by_awaited[one]
            worker.handle.awaited = None
            yield from self._heard(worker, one)

    def _heard(self, worker: Worker, awaited: Any) -> Iterable[tuple[Worker, Told]]:
        errors = self._ray.exceptions
        try:
            told = self._ray.get(awaited)
        except errors.RayTaskError:  # a bug in what runs there
            raise
        except errors.RayError as error:
            alive = any(node["NodeID"] == worker.seat.node for node in self._nodes())
            how = type(error).__name__ if alive else "its node was lost"
            if alive and not worker.handle.here:
                how += ", before it ran: does the Python of that node have edgeecho?"
            return [(worker, Ended(how, with_machine=not alive))]
        if not worker.handle.here:
            worker.handle.here = True
            worker.begin(self._task.load_limit_s)
            marker = self._table.marker.absolute()
            worker.handle.awaited = worker.handle.actor.load.remote(VERSION, marker)
            return []
        if isinstance(told, str):
            return [(worker, self._loaded(told))]
        return [(worker, told)]

    def _loaded(self, engine: str) -> Told:
        """A table has the answers of one engine, so that its numbers can be had again."""
        self._engine = self._engine or self._table.engine or engine
        if engine == self._engine:
            return Loaded()
        return EngineError(
            f"it would answer with {engine}, and the others, or the table, with {self._engine}: "
            "take nodes of one kind, or another --out"
        )

    def end(self, worker: Worker) -> None:
        """Kill an actor."""
        self._ray.kill(worker.handle.actor)

    def lost(self, worker: Worker, *, replace: bool) -> None:
        """Its seat is free, if its node is still there and another is worth a try."""
        del self._taken[worker.seat]
        if not replace:
            self._shut.add(worker.seat)
            words.print(f"{worker.seat.host}: a worker ended before it had loaded the model")
        self._looked = float("-inf")

    def passes_over(self, worker: Worker, error: EdgeEchoError) -> bool:
        """The node has no part in this call; the others go on."""
        if worker.seat.node not in self._bad:
            self._bad.add(worker.seat.node)
            words.print(f"{worker.seat.host} is passed over: {error}")
        self.end(worker)
        del self._taken[worker.seat]
        return True

    def dismiss(self, workers: Collection[Worker], *, at_once: bool) -> None:  # noqa: ARG002
        """End all actors."""
        for worker in workers:
            self.end(worker)


@contextmanager
def on_ray(address: str, task: Task, workers: int, table: Table) -> Iterator[RayCrew]:
    """The crew of the Ray at an address, see `connected`; `workers` on each node, which must see
    `table`, and answer with its engine."""
    with connected(address) as ray:
        yield RayCrew(ray, task, Seating.of(task.engine, workers), table)
