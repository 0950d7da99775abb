"""Room for one more study: a place in the queue, and the disk that its answer will need."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edgeecho.common.console import words
from edgeecho.common.errors import EdgeEchoError, OutputError

RESERVE_BYTES = 32_000_000
"""Always left free, so that the database can be written whatever comes: its log grows to 4 MB and
by an answer, the file by as much when it takes the log over, and others write to the disk too."""
ANSWER_BYTES = 2_000_000
"""Left free for each study that waits, which may be smaller than its answer, or be kept: a page of
256 frames has about 1 MB (`edgeecho.results.pictures`), and is in the log and in the file."""
_AGAIN_BYTES = 4_000_000
"""So much more must be free until it is enough again, or it would be short again at once."""
_WAIT_S = 2.0
T = TypeVar("T")


class QueueFullError(EdgeEchoError):
    """As many jobs wait as may; `retry_after_s` says when a place may be free."""

    def __init__(self, waiting: int, retry_after_s: float) -> None:
        super().__init__(
            f"{waiting} studies are waiting, as many as may: send it again in {retry_after_s:.0f} s"
        )
        self.retry_after_s = retry_after_s


class Room:
    """In a queue and on the disk of its folder, for all threads.

    That the disk is almost full, and that it has room again, is said once each, on stderr.
    """

    def __init__(self, folder: Path, most_waiting: int, waiting: Callable[[], int]) -> None:
        """`waiting` counts the jobs that wait."""
        self._folder, self._waiting = folder, waiting
        self.most_waiting = most_waiting
        """Jobs; further ones are not taken."""
        self._lock = threading.Lock()
        self._short = False

    def check(self, typical_s: float = 1.0, *, coming: int = 0) -> None:
        """`QueueFullError` where no further job is taken; one takes about `typical_s`.

        `OutputError` where the disk has no room for one. `coming`: files that are on their way and
        will want a place too.
        """
        waiting = self._waiting() + coming
        if waiting >= self.most_waiting:
            raise QueueFullError(waiting, max(1.0, typical_s))
        self._check_disk(waiting, 0)

    def check_disk(self, coming: int = 0) -> None:
        """`OutputError` where the disk has no room for one more; `coming`: bytes that it will
        bring."""
        self._check_disk(self._waiting(), coming)

    def has_disk(self) -> bool:
        """Whether the disk has room for one more."""
        return self._has_disk(self._waiting())

    def _check_disk(self, waiting: int, coming: int) -> None:
        if not self._has_disk(waiting) or self._free() - coming < _needed(waiting):
            raise OutputError(
                f"the disk of {self._folder} is almost full: no study is taken until "
                f"{_needed(waiting) / 1e6:.0f} MB are free"
            )

    def _has_disk(self, waiting: int) -> bool:
        free, needed = self._free(), _needed(waiting)
        with self._lock:
            was = self._short
            self._short = free < needed + (_AGAIN_BYTES if was else 0)
            changed, short = self._short != was, self._short
        if changed and short:
            words.print(
                f"the disk of {self._folder} is almost full ({free / 1e6:.0f} MB are free): no "
                "study is taken until there is room"
            )
        elif changed:
            words.print(f"there is room again on the disk of {self._folder}: studies are taken")
        return not short

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free


def _needed(waiting: int) -> int:
    return RESERVE_BYTES + waiting * ANSWER_BYTES


class Retry:
    """Waits for a disk that is full, or cannot be written; for one thread.

    That it waits, and that this is over, is said once each, on stderr.
    """

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing
        self.waits = False
        """Whether the last try has failed."""

    def until_written(self, write: Callable[[], T]) -> T | None:
        """What `write` returns, tried until it raises no `OutputError`; None once `closing` is
        set."""
        while not self._closing.is_set():
            try:
                written = write()
            except OutputError as error:
                if not self.waits:
                    self.waits = True
                    words.print(f"nothing is answered until the disk can be written: {error}")
                self._closing.wait(_WAIT_S)
                continue
            if self.waits:
                self.waits = False
                words.print("the disk can be written again: studies are answered")
            return written
        return None
