"""Reads frames in one thread and answers in another: a slow engine drops updates, not frames."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeecho.stream.rolling import Rolling, Update
from edgeecho.stream.sources import FrameStream, Timed

MOST_PENDING = 4
"""Maximum number of updates that wait for the engine, to be run together. Older ones are dropped,
so that no answer is further behind than these and the ones that are running."""
_MOST_FRAMES = 4096
"""Maximum number of waiting frames, 154 MB at 112x112 RGB. A faster source has to wait."""


@dataclass(frozen=True)
class Played:
    """An update and its timing."""

    update: Update
    behind_s: float
    """Seconds from the arrival of its last frame to the answer."""
    answered: int
    """Number of updates so far, including this one, but not the final one."""
    dropped: int
    """Number of updates so far that were dropped because the engine was behind."""


@dataclass
class Player:
    """Feeds frames to a `Rolling`; can be used once."""

    rolling: Rolling
    frames: FrameStream
    most_pending: int = MOST_PENDING
    _queue: queue.Queue[tuple[float, Timed | BaseException | None]] = field(
        default_factory=lambda: queue.Queue(_MOST_FRAMES)
    )
    _answered: int = 0
    _dropped: int = 0

    def play(self) -> Iterator[Played]:
        """Yield each update as soon as it is ready. Exceptions of the source are raised here."""
        threading.Thread(target=self._read, name="frames", daemon=True).start()
        pending: list[tuple[int, float]] = []
        while True:
            more = self._take(pending)
            late = max(len(pending) - self.most_pending, 0)
            del pending[:late]
            self._dropped += late
            updates = self.rolling.answer([start for start, _ in pending])
            now = time.monotonic()
            for update, (_, came) in zip(updates, pending, strict=True):
                self._answered += 1
                yield Played(update, now - came, self._answered, self._dropped)
            pending.clear()
            if not more:
                return

    def finish(self) -> Played:
        """The final answer, after `play` has ended or was interrupted."""
        begin = time.monotonic()
        update = self.rolling.finish()
        return Played(update, time.monotonic() - begin, self._answered, self._dropped)

    def _take(self, pending: list[tuple[int, float]]) -> bool:
        """Pass on all waiting frames, at least one; False after the last."""
        waiting = [self._queue.get()]
        while not self._queue.empty():
            waiting.append(self._queue.get())
        for came, item in waiting:
            if isinstance(item, BaseException):
                raise item
            if item is None:
                return False
            pending += [(start, came) for start in self.rolling.add(*item)]
        return True

    def _read(self) -> None:
        try:
            for item in self.frames.coming:
                self._queue.put((time.monotonic(), item))
        except BaseException as error:  # noqa: BLE001 raised in the answering thread
            self._queue.put((time.monotonic(), error))
        else:
            self._queue.put((time.monotonic(), None))
