"""Crews: where workers come from, and how they are spoken to."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from edgeecho.batch.worker import Answered, Asked
from edgeecho.common.errors import EdgeEchoError


@dataclass(eq=False)
class Worker:
    """A worker, as its crew made it."""

    seat: Any
    """Its place in the crew."""
    handle: Any
    """What its crew reaches it by."""
    loaded: bool = False
    asked: Asked | None = None
    """The file that it is answering."""
    limit_s: float = math.inf
    """Time limit for its next message in s."""
    until: float = math.inf
    """Its end, in s of the monotonic clock."""

    def begin(self, limit_s: float) -> None:
        """It has so long from now on, to load the model or to answer a file."""
        self.limit_s, self.until = limit_s, time.monotonic() + limit_s

    def rest(self) -> None:
        """It waits for a file."""
        self.asked, self.until = None, math.inf


@dataclass(frozen=True)
class Loaded:
    """A worker says that it has loaded the model."""


@dataclass(frozen=True)
class Ended:
    """Instead of a message: the worker is not there any more."""

    how: str
    """Such as `SIGKILL`."""
    with_machine: bool = False
    """It was lost together with its machine."""


Told = Loaded | EdgeEchoError | Answered | Ended
"""A message of a worker; an error says why the model cannot be loaded."""


class Crew(Protocol):
    """Where workers come from, and how they are spoken to."""

    def hire(self) -> Iterable[Worker]:
        """New workers for all free seats; `EngineError` if there will be none."""
        ...

    def ask(self, worker: Worker, asked: Asked) -> None:
        """Hand a file to a worker; that one has ended is told by `listen`."""
        ...

    def listen(
        self, workers: Collection[Worker], seconds: float | None
    ) -> Iterable[tuple[Worker, Told]]:
        """What workers say within that time (None: any), as soon as one of them says something."""
        ...

    def end(self, worker: Worker) -> None:
        """Kill a worker that hangs."""
        ...

    def lost(self, worker: Worker, *, replace: bool) -> None:
        """A worker has ended; `replace`: `hire` may put another on its seat."""
        ...

    def passes_over(self, worker: Worker, error: EdgeEchoError) -> bool:
        """Whether the others go on without a worker that cannot load the model."""
        ...

    def dismiss(self, workers: Collection[Worker], *, at_once: bool) -> None:
        """End all workers; `at_once`: those too that are answering."""
        ...
