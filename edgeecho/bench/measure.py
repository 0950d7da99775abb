"""Warm runs: the whole path from file to EF, again and again in one process."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.estimation import LoadedModel, estimate_file

STAGES = ("decode", "preprocess", "engine", "total")
"""`total` is the wall time of the whole call, so it is a little more than the others' sum."""
PEAK_RSS_INCLUDES = (
    "the whole bench process: Python, libraries, model, compilation, one decoded video; "
    "not the processes of the cold start"
)


@dataclass(frozen=True)
class WarmRuns:
    """Every sample of the warm runs; none is dropped."""

    samples_ms: Mapping[str, tuple[float, ...]]
    """By stage (`STAGES`), in the order in which they were run."""
    warmup: int
    """Runs before these that are not among the samples."""
    frames: int
    """Frames of the video."""
    clips_per_video: int
    peak_rss_mb: float | None
    """Peak resident memory in MB (10^6 bytes); None where the system does not say."""

    @property
    def videos_per_s(self) -> float:
        """Whole path, one video after the other."""
        return self._per_s("total")

    @property
    def clips_per_s(self) -> float:
        """Whole path, one video after the other."""
        return self._per_s("total") * self.clips_per_video

    @property
    def engine_clips_per_s(self) -> float:
        """The engine alone."""
        return self._per_s("engine") * self.clips_per_video

    def _per_s(self, stage: str) -> float:
        samples = self.samples_ms[stage]
        return len(samples) * 1e3 / math.fsum(samples)


def measure_warm_runs(
    video: Path, model: LoadedModel, *, clips: str, runs: int, warmup: int
) -> WarmRuns:
    """Answer `video` `warmup + runs` times; time the last `runs`.

    Errors: those of `estimate_file`.
    """
    for _ in range(warmup):
        estimate_file(video, model, clips=clips)
    samples: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for _ in range(runs):
        begin = time.perf_counter()
        result = estimate_file(video, model, clips=clips)
        samples["total"].append((time.perf_counter() - begin) * 1e3)
        for stage, milliseconds in result.timings_ms.items():
            samples[stage].append(milliseconds)
    return WarmRuns(
        samples_ms={stage: tuple(values) for stage, values in samples.items()},
        warmup=warmup,
        frames=result.video.frames,
        clips_per_video=len(result.clip_starts),
        peak_rss_mb=peak_rss_mb(),
    )


def peak_rss_mb() -> float | None:
    """Peak resident memory of this process in MB (10^6 bytes)."""
    try:
        # Not getrusage: Linux hands ru_maxrss of the shell or tool that started us down to us.
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
