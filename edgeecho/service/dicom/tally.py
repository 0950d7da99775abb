"""Counters of a node, for the metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping


class Tally:
    """Counts of events by name, safe for all threads."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1

    def read(self) -> Mapping[str, int]:
        with self._lock:
            return dict(self._counts)
