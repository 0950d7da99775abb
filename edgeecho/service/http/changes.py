"""Recording which jobs change, for event streams."""

from __future__ import annotations

import threading
from collections.abc import Iterable

# More than can change between two polls of a stream.
_MOST = 2000


class Changes:
    """Changes numbered from 1, safe for all threads; only each job's last one is kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: dict[str, int] = {}
        self._number = 0

    @property
    def number(self) -> int:
        """Number of the last change."""
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
        """The number of the last change, and the jobs that changed after `number`."""
        with self._lock:
            return self._number, [job for job, at in self._last.items() if at > number]
