"""How long the parts of an engine's call take on the GPU, by CUDA events."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from edgeecho.engines.base import DeviceTimes
from edgeecho.engines.nvidia.cuda import Stream, call, give_back


class Timer:
    """Runs the parts of calls on `stream` with an event before and after each, and adds them up."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._events: list[Any] = []
        self._ms = [0.0] * 4
        try:
            for _ in range(4):
                self._events.append(call("cudaEventCreate"))
        except BaseException:
            self.close()
            raise

    def run(
        self, upload: Callable[[], None], launch: Callable[[], None], download: Callable[[], None]
    ) -> None:
        """Run them, and wait until they are done."""
        self._mark(0)
        upload()
        self._mark(1)
        begin = perf_counter()
        launch()
        self._ms[3] += (perf_counter() - begin) * 1e3
        self._mark(2)
        download()
        self._mark(3)
        self._stream.synchronize()
        for part in range(3):
            first, second = self._events[part : part + 2]
            self._ms[part] += float(call("cudaEventElapsedTime", first, second))

    @property
    def times(self) -> DeviceTimes:
        """Of all that ran so far."""
        return DeviceTimes(*self._ms)

    def close(self) -> None:
        """Give the events back."""
        while self._events:
            give_back("cudaEventDestroy", self._events.pop())

    def _mark(self, event: int) -> None:
        call("cudaEventRecord", self._events[event], self._stream.handle)
