"""Peak memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

PEAK_RSS_INCLUDES = (
    "the whole bench process: Python, libraries, all models, compilation, decoded videos; "
    "not the processes of the cold start"
)


def peak_rss_mb() -> float | None:
    """Peak resident memory of this process in MB (10^6 bytes)."""
    try:
        # Not getrusage: on Linux, ru_maxrss is inherited from the shell that started us.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6
