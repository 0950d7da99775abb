"""How many threads there are, and who asked for them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_VARIABLES = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class ThreadFacts:
    """Of the process that measured, at its end."""

    process: int | None
    """All its threads, those that sleep too; None where the system does not say."""
    opencv: int
    variables: Mapping[str, str]
    """Of the environment, those that are set and change the number of threads."""


def read_threads() -> ThreadFacts:
    """Look at this process, now."""
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
