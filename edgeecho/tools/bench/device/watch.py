"""A monitor of NVIDIA's that runs beside a measurement; what it said is kept as it named it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from edgeecho.common.text import printable
from edgeecho.engines.nvidia.cuda import pci_address
from edgeecho.tools.bench.device import nvidia_smi, tegrastats
from edgeecho.tools.bench.device.reading import Reading

EVERY_MS = 500


@dataclass(frozen=True)
class Range:
    """Of one quantity over all readings that have it."""

    low: float
    mean: float
    high: float


@dataclass(frozen=True)
class Watched:
    """The state of the GPU while it was measured."""

    monitor: str
    """`nvidia-smi` or `tegrastats`."""
    readings: int
    ranges: Mapping[str, Range]
    """By the monitor's name and the unit. `memory.used` is that of all programs."""
    slowed: Mapping[str, float]
    """By reason the part of the readings, 0 to 1, in which the clocks were lowered for it."""
    said: str
    """The first line that holds no values; empty: there was none."""

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Watched:
        """Inverse of `asdict`, after JSON."""
        ranges = {name: Range(**found) for name, found in value["ranges"].items()}
        return cls(**{**value, "ranges": ranges})


class Watch:
    """Runs the monitor of this machine while it is entered; `found` tells afterwards.

    A Jetson's is `tegrastats`, since `nvidia-smi` knows little of it.
    """

    def __init__(self) -> None:
        self.found: Watched | None = None
        """None: there is no monitor."""
        self._process: subprocess.Popen[str] | None = None
        self._monitor = next((n for n in ("tegrastats", "nvidia-smi") if shutil.which(n)), "")

    def __enter__(self) -> Watch:
        if self._monitor:
            # A file, since a pipe that is read late would stop the monitor.
            self._lines = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            command = (
                tegrastats.command(EVERY_MS)
                if self._monitor == "tegrastats"
                else nvidia_smi.command(pci_address(), EVERY_MS)
            )
            self._process = subprocess.Popen(
                command, stdout=self._lines, stderr=subprocess.STDOUT, text=True
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        with self._lines:
            self._lines.seek(0)
            self.found = summarise_lines(self._monitor, self._lines.read())


def summarise_lines(monitor: str, text: str) -> Watched:
    """What it printed until it was stopped, which may be in the middle of a line."""
    read: Callable[[str], Reading | None] = {
        "tegrastats": tegrastats.read, "nvidia-smi": nvidia_smi.read,
    }[monitor]  # fmt: skip
    whole = text[: text.rfind("\n") + 1].splitlines()
    found = [(line, read(line)) for line in whole if line.strip()]
    readings = [reading for _, reading in found if reading is not None]
    names = dict.fromkeys(name for reading in readings for name in reading.values)
    reasons = dict.fromkeys(reason for reading in readings for reason in reading.slowed)
    return Watched(
        monitor,
        len(readings),
        {name: _range([r.values[name] for r in readings if name in r.values]) for name in names},
        {why: sum(why in r.slowed for r in readings) / len(readings) for why in reasons},
        next((printable(line.strip())[:200] for line, r in found if r is None), ""),
    )


def _range(values: list[float]) -> Range:
    return Range(min(values), sum(values) / len(values), max(values))
