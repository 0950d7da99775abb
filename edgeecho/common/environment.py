"""The machine that times were measured on. Never its host name, a user's name or a path."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from edgeecho.common.about import VERSION

_CPUS = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Environment:
    """What a reader needs to judge a measured time. A field is None if the system does not say."""

    edgeecho: str
    python: str
    numpy: str
    opencv: str
    system: str
    """Kernel, kernel version and architecture."""
    distribution: str | None
    cpu: str
    cores_physical: int | None
    cores_logical: int | None
    cores_usable: int | None
    """Logical cores that this process may run on (its affinity)."""
    cpu_quota: float | None
    """CPU limit of the container, in CPUs; None if there is no limit."""
    governor: str | None
    """CPU frequency governor(s)."""
    memory_mb: int | None
    """Installed memory in MB (10^6 bytes)."""
    load_average: tuple[float, float, float] | None
    """Over 1, 5 and 15 minutes, read before the first measurement."""

    @property
    def busy(self) -> bool:
        """Whether something else ran in the last minute: half a core or more."""
        return self.load_average is not None and self.load_average[0] >= 0.5


def read_environment() -> Environment:
    """Read the facts of this machine."""
    return Environment(
        edgeecho=VERSION,
        python=platform.python_version(),
        numpy=np.__version__,
        opencv=cv2.__version__,
        system=platform.platform(),
        distribution=_distribution(),
        cpu=_cpu(),
        cores_physical=_cores_physical(),
        cores_logical=os.cpu_count(),
        cores_usable=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        cpu_quota=_cpu_quota(),
        governor=_governor(),
        memory_mb=_memory_mb(),
        load_average=os.getloadavg() if hasattr(os, "getloadavg") else None,
    )


def _distribution() -> str | None:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME")
    except OSError:
        return None


def _cpu() -> str:
    for line in _read(Path("/proc/cpuinfo")).splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    # Arm's /proc/cpuinfo has no model name; the device tree names the board (Jetson, Pi).
    board = _read(Path("/proc/device-tree/model")).strip("\0\n ")
    return board or platform.processor() or platform.machine()


def _cores_physical() -> int | None:
    siblings = {_read(file) for file in _CPUS.glob("cpu[0-9]*/topology/thread_siblings_list")}
    return len(siblings) or None


def _cpu_quota() -> float | None:
    """The quota of control groups v2, which a container sees as `quota period` in µs."""
    quota, _, period = _read(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    return int(quota) / int(period) if quota.isdecimal() else None


def _governor() -> str | None:
    files = _CPUS.glob("cpu[0-9]*/cpufreq/scaling_governor")
    return ", ".join(sorted({_read(file).strip() for file in files} - {""})) or None


def _memory_mb() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1_000_000
    except (AttributeError, ValueError, OSError):
        return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
