"""Engines that outlive the service that started them: starting one takes a second."""

from __future__ import annotations

import pickle
import threading
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar

from edgeecho.batch import Task
from edgeecho.results import Outcome
from edgeecho.service.jobs import EngineProcess


class KeptEngine(EngineProcess):
    """Closed while it has nothing to do, its process waits for the next one with the same task."""

    _waiting: ClassVar[dict[bytes, tuple[BaseProcess, Connection]]] = {}

    def __init__(self, task: Task, *, threads: int = 0) -> None:
        super().__init__(task, threads=threads)
        # Tasks that crash or hang get the process that they are to be tested with.
        self._key = pickle.dumps((task, threads)) if type(task) is Task else None
        self._busy = True

    def start(self, stop: threading.Event | None = None) -> None:
        found = self._waiting.pop(self._key, None) if self._key else None
        if found and found[0].is_alive():
            self._running = found
        else:
            super().start(stop)
        self._busy = False

    def _ask(self, pipe: Connection, file: Path, *rest: Any) -> Outcome:
        self._busy = True
        outcome = super()._ask(pipe, file, *rest)
        self._busy = False
        return outcome

    def close(self) -> None:
        if self._key and self._running and not self._busy and self._running[0].is_alive():
            self._end(self._waiting.pop(self._key, None))
            self._waiting[self._key], self._running = self._running, None
        else:
            super().close()
            self._busy = True

    @classmethod
    def end_all(cls) -> None:
        while cls._waiting:
            cls._end(cls._waiting.popitem()[1])

    @staticmethod
    def _end(found: tuple[BaseProcess, Connection] | None) -> None:
        if found:
            found[1].close()
            found[0].join(10)
