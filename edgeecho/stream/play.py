"""Frames on one thread, answers on another: an engine that is behind loses updates, not frames."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from edgeecho.stream.rolling import Rolling, Update
from edgeecho.stream.sources import Frames, Timed

MOST_PENDING = 4
"""Updates that may wait for the engine; they are run together. Older ones are dropped, so that an
answer is never further behind than these and the ones that run."""
_MOST_FRAMES = 4096
"""That may wait, 112x112 RGB: 154 MB. A source that sends more has to wait."""


@dataclass(frozen=True)
class Played:
    """An update, and how it came about in time."""

    update: Update
    behind_s: float
    """From the arrival of its last frame to the answer."""
    answered: int
    """Updates so far, this one included, the one at the end left out."""
    dropped: int
    """Updates so far that were never computed, because the engine was behind."""


@dataclass
class Player:
    """Plays frames into a `Rolling`; made for one play."""

    rolling: Rolling
    frames: Frames
    most_pending: int = MOST_PENDING
    _queue: queue.Queue[tuple[float, Timed | BaseException | None]] = field(
        default_factory=lambda: queue.Queue(_MOST_FRAMES)
    )
    _answered: int = 0
    _dropped: int = 0

    def play(self) -> Iterator[Played]:
        """Every update as soon as it is there. What the source raises is raised here."""
        threading.Thread(target=self._read, name="frames", daemon=True).start()
        pending: list[tuple[int, float]] = []
        while True:
            more = self._take(pending)
            late = len(pending) - self.most_pending
            if late > 0:
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
        """The last answer, when `play` is over or was interrupted."""
        begin = time.monotonic()
        update = self.rolling.finish()
        return Played(update, time.monotonic() - begin, self._answered, self._dropped)

    def _take(self, pending: list[tuple[int, float]]) -> bool:
        """Hand over every frame that is waiting, at least one; False: that was the last."""
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
        except BaseException as error:  # noqa: BLE001 it belongs to the thread that answers
            self._queue.put((time.monotonic(), error))
        else:
            self._queue.put((time.monotonic(), None))
