"""The processor, as far as threads and compiled models depend on it."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def usable_cores() -> int:
    """Logical cores that this process may use."""
    # The affinity mask exists on Linux only.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def stay_on(cores: slice) -> None:
    """Keep this process, and what it starts, on some of its cores; where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[cores])


def cpu_features() -> str:
    """Its instruction sets, where the system tells them: virtual machines of one name differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # not Linux
        return platform.processor()
    found = (line for line in lines if line.startswith(("flags", "Features")))
    return " ".join(sorted(next(found, "").partition(":")[2].split()))
