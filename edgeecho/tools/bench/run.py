"""A bench run as data: raw samples and what was measured. All that is told of it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.common.environment import Environment
from edgeecho.engines import EngineFacts
from edgeecho.tools.bench.cold import ColdStart
from edgeecho.tools.bench.threads import ThreadFacts

STAGES = ("read", "preprocess", "engine", "decide")
"""`read`: file to frames. `preprocess`: crop, time base, size, signals for the gates, cutting
clips. `engine`: the network. `decide`: gates, interval, warnings: all that is left of `total`."""
SCENARIOS = {
    "single": "file to answer",
    "study": "one video, its clips with and without shared work",
    "offline": "many videos, one after the other",
    "stream": "a clip every so many ms",
}


@dataclass(frozen=True)
class Series:
    """One subject's samples; none is dropped."""

    label: str
    """As `Subject.label_of` writes it."""
    model: Mapping[str, str]
    """name, version, precision, sha256, preprocess_sha256."""
    engine: EngineFacts
    batch: int
    """Clips of a call, of those that are not answered together."""
    clips: int
    """In one sample."""
    clips_shared: int
    """Of these, how many were answered together."""
    samples_ms: Mapping[str, tuple[float, ...]]
    """By stage, and `total`: the wall time of the whole; in the order of the rounds."""
    cpu_ms: tuple[float, ...]
    """Time of all cores together, of each `total`."""
    cold: tuple[ColdStart, ...] = ()
    accuracy: tuple[Mapping[str, Any], ...] = ()
    """What the manifest has measured of this model: data, split, clips, n, mae, low, high."""
    dropped: int = 0
    """`stream`: clips that came while an earlier one was being answered."""


@dataclass(frozen=True)
class BenchRun:
    """All that one `edgeecho bench` found out."""

    scenario: str
    video: str
    """File name without folders; of several files their number."""
    frames: int
    videos: int
    """In one sample."""
    clips: str
    """Clip mode."""
    every_ms: float | None
    """`stream`: a clip is due so often."""
    warmup: int
    """Rounds before the first sample."""
    environment: Environment
    threads: ThreadFacts
    peak_rss_mb: float | None
    """Of the process that measured, in MB (10^6 bytes)."""
    series: tuple[Series, ...]
    """The first is what the others are compared with."""
