"""How many threads this process has, and which variables affect that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class ThreadFacts:
    """Threads of the measuring process, after the measurement."""

    process: int | None
    """All threads, including sleeping ones; None if the system does not say."""
    opencv: int
    variables: Mapping[str, str]
    """Environment variables that are set and affect the number of threads."""


def read_threads() -> ThreadFacts:
    """Read the facts of this process."""
    import cv2

    found = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    return ThreadFacts(_count(), int(cv2.getNumThreads()), found)


def _count() -> int | None:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        line = next(line for line in status.splitlines() if line.startswith("Threads:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1])
