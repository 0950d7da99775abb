"""A bench run as data: the raw samples and their conditions. Everything else is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.common.environment import Environment
from edgeecho.engines import EngineFacts
from edgeecho.tools.bench.cold import ColdStart
from edgeecho.tools.bench.device.calls import DeviceCalls
from edgeecho.tools.bench.device.watch import Watched
from edgeecho.tools.bench.threads import ThreadFacts

STAGES = ("read", "preprocess", "engine", "masks", "decide")
"""`read`: file to frames. `preprocess`: crop, resampling, resizing, signals for the gates, cutting
clips. `engine`: the EF network. `masks`: the segmentation of every frame, and its beats; only of a
model that has one. `decide`: gates, interval and warnings, the rest of `total`."""
SCENARIOS = {
    "single": "file to answer",
    "study": "one video, its clips with and without shared work",
    "offline": "many videos, one after the other",
    "stream": "a clip every so many ms",
}


@dataclass(frozen=True)
class Series:
    """The samples of one subject, with no outliers removed."""

    label: str
    """See `Subject.label_of`."""
    model: Mapping[str, str]
    """name, version, precision, sha256, preprocess_sha256."""
    engine: EngineFacts
    batch: int
    """Clips per engine call, for clips that are not answered together."""
    clips: int
    """Clips per sample."""
    clips_shared: int
    """How many of these were answered together."""
    traced: int
    """Frames per sample in which the left ventricle was found; 0: no segmentation ran."""
    samples_ms: Mapping[str, tuple[float, ...]]
    """Times by stage, and `total`, the wall time; in the order of the rounds."""
    cpu_ms: tuple[float, ...]
    """CPU time of all cores together for each `total`."""
    cold: tuple[ColdStart, ...]
    accuracy: tuple[Mapping[str, Any], ...]
    """Evaluations of this model in the manifest: data, split, clips, n, mae, mae_interval."""
    dropped: int
    """In `stream`, clips that arrived while an earlier one was being answered."""
    device: DeviceCalls | None
    """None: the engine has no memory of its own."""

    @property
    def stages(self) -> tuple[str, ...]:
        """Those of `STAGES` that it has."""
        return tuple(stage for stage in STAGES if stage in self.samples_ms)


@dataclass(frozen=True)
class BenchRun:
    """The result of one `edgeecho bench`."""

    scenario: str
    video: str
    """File name without folders, or the number of files."""
    frames: int
    videos: int
    """Videos per sample."""
    clips: str
    """Clip mode."""
    every_ms: float | None
    """In `stream`, the time between clips."""
    warmup: int
    """Number of warm-up rounds."""
    environment: Environment
    threads: ThreadFacts
    peak_rss_mb: float | None
    """Peak memory of the measuring process in MB (10^6 bytes)."""
    series: tuple[Series, ...]
    """The others are compared with the first."""
    watched: Watched | None
    """None: no engine ran on a GPU, or the machine has no monitor for it."""
