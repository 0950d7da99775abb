"""Room for one more job: a place in the queue, and disk space for its answer."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edgeecho.common.console import words
from edgeecho.common.errors import EdgeEchoError, OutputError

RESERVE_BYTES = 32_000_000
"""Always kept free, so that the database can be written: its log grows to 4 MB and by an answer,
its file by as much when it takes over the log, and other programs write to the disk too."""
ANSWER_BYTES = 2_000_000
"""Kept free for each waiting file, which may be smaller than its answer, or be kept: a page of 256
frames has about 1 MB (`edgeecho.results.pictures`), and is in the log and in the file."""
_AGAIN_BYTES = 4_000_000
"""Additional free space before the disk counts as having room again, so that it stays so."""
_WAIT_S = 2.0
T = TypeVar("T")


class QueueFullError(EdgeEchoError):
    """The queue is full; `retry_after_s` says when a place may be free."""

    def __init__(self, waiting: int, retry_after_s: float) -> None:
        super().__init__(
            f"{waiting} studies are waiting, as many as may: send it again in {retry_after_s:.0f} s"
        )
        self.retry_after_s = retry_after_s


class Room:
    """Room in a queue and on the disk of its folder, safe for all threads.

    That the disk is almost full, and that it has room again, is reported once each, on stderr.
    """

    def __init__(self, folder: Path, most_waiting: int, waiting: Callable[[], int]) -> None:
        """`waiting` returns the number of waiting jobs."""
        self._folder, self._waiting = folder, waiting
        self.most_waiting = most_waiting
        """Maximum number of waiting jobs."""
        self._lock = threading.Lock()
        self._short = False

    def check(self, typical_s: float = 1.0, *, coming: int = 0) -> None:
        """`QueueFullError` if no further job is taken; a job takes about `typical_s`.

        `OutputError` if the disk has no room for one. `coming`: number of files that are coming in
        and will need a place too.
        """
        waiting = self._waiting() + coming
        if waiting >= self.most_waiting:
            raise QueueFullError(waiting, max(1.0, typical_s))
        self._check_disk(waiting, 0)

    def check_disk(self, coming: int = 0) -> None:
        """`OutputError` if the disk has no room for one more; `coming`: number of bytes that it
        will bring."""
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
    """Waits while a disk is full or cannot be written; for one thread.

    The beginning and the end of the wait are reported once each, on stderr.
    """

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing
        self.waits = False
        """Whether the last attempt failed."""

    def until_written(self, write: Callable[[], T]) -> T | None:
        """Call `write` until it raises no `OutputError`, and return its result; None once `closing`
        is set."""
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
