"""Facts about the CPU on which threads and compiled models depend."""

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
    """Pin this process and its children to some of its cores, where the system supports that.

    To all of them if there are none in `cores`: another program may have taken them away.
    """
    if hasattr(os, "sched_setaffinity"):
        own = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, own[cores] or own)


def cpu_features() -> str:
    """The CPU's instruction sets, if known: virtual machines with the same CPU name differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):  # not Linux
        return platform.processor()
    found = (line for line in lines if line.startswith(("flags", "Features")))
    return " ".join(sorted(next(found, "").partition(":")[2].split()))
