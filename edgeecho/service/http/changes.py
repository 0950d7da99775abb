"""Which jobs changed since somebody looked: what event streams wait for."""

from __future__ import annotations

import threading
from collections.abc import Iterable

# More than change between two looks of a stream.
_MOST = 2000


class Changes:
    """Numbered from 1, for all threads; of each job only the last is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._number = 0

    @property
    def number(self) -> int:
        """That of the last change."""
        return self._number

    def mark(self, job_ids: Iterable[str]) -> None:
        with self._lock:
            self._number += 1
            for job_id in job_ids:
                self._last.pop(job_id, None)
                self._last[job_id] = self._number
            while len(self._last) > _MOST:
                del self._last[next(iter(self._last))]

    def since(self, number: int) -> tuple[int, list[str]]:
        """The number of the last change, and what changed after `number`."""
        with self._lock:
            return self._number, [job for job, at in self._last.items() if at > number]
