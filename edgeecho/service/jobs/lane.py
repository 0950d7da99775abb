"""Clips that wait for the engine, which runs them between two jobs."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from edgeecho.common.errors import EdgeEchoError, EngineError
from edgeecho.engines import Outputs
from edgeecho.service.jobs.clips import ClipFile
from edgeecho.service.jobs.process import EngineProcess, Stopped


class ClipLane:
    """Safe for all threads; one of them runs the clips."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """`wake` tells the thread that runs them that some have come."""
        self._wake = wake
        self._waiting: deque[tuple[ClipFile, Future[Outputs]]] = deque()

    def add(self, clips: ClipFile) -> Future[Outputs]:
        """Their outputs, or an `EdgeEchoError`. The file must stay until the future is done."""
        future: Future[Outputs] = Future()
        self._waiting.append((clips, future))
        self._wake()
        return future

    def run_next(self, engine: EngineProcess, stop: threading.Event, limit_s: float) -> bool:
        """Run those that have waited longest; False if none wait."""
        if not self._waiting:
            return False
        clips, future = self._waiting.popleft()
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(engine.run_clips(clips, stop=stop, limit_s=limit_s))
            except EdgeEchoError as error:
                future.set_exception(error)
            except Stopped:
                future.set_exception(EngineError("the service ends: send them again later"))
        return True

    def close(self) -> None:
        """Give up those that wait."""
        with suppress(IndexError):
            while True:
                self._waiting.popleft()[1].cancel()
