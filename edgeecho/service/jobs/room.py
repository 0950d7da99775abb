"""Room on the disk: no study is taken that could not be answered for want of it."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from edgeecho.common.console import words
from edgeecho.common.errors import OutputError

RESERVE_BYTES = 32_000_000
"""Always left free, so that the database can be written whatever comes: its log grows to 4 MB and
by an answer, the file by as much when it takes the log over, and others write to the disk too."""
ANSWER_BYTES = 2_000_000
"""Left free for each study that waits, which may be smaller than its answer, or be kept: a page of
256 frames has about 1 MB (`edgeecho.results.pictures`), and is in the log and in the file."""
_AGAIN_BYTES = 4_000_000
"""So much more must be there until it is enough again, or it would be short again at once."""


class Room:
    """On the disk of a folder, for all threads. What begins or is over is said once, on stderr."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._short = False

    def check(self, waiting: int, coming: int = 0) -> None:
        """`OutputError` where there is no room for one more study besides those that wait.

        `coming`: bytes that it will bring.
        """
        if not self.enough(waiting) or self._free() - coming < _needed(waiting):
            raise OutputError(
                f"the disk of {self._folder} is almost full: no study is taken until "
                f"{_needed(waiting) / 1e6:.0f} MB are free"
            )

    def enough(self, waiting: int) -> bool:
        """Whether there is room for one more."""
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
