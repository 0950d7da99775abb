"""Speed ratios, throughput and deadlines, computed from a run's samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.statistics import Ratio, paired_ratio

COMPARED = ("total", "engine")


@dataclass(frozen=True)
class Comparison:
    """Speed of one subject relative to another, over the rounds of one run."""

    label: str
    base: str
    stage: str
    """One of `COMPARED`."""
    times: Ratio
    """Above 1 if `label` is faster than `base`."""


@dataclass(frozen=True)
class Rates:
    """Throughput of consecutive answers."""

    videos_per_s: float
    clips_per_s: float
    engine_clips_per_s: float
    """The engine alone."""
    cores_busy: float
    """Mean over the samples of CPU time divided by wall time."""


@dataclass(frozen=True)
class Deadlines:
    """Outcome of the clips of a stream; each is due when the next one arrives."""

    in_time: int
    late: int
    """Clips answered after they were due."""
    dropped: int
    """Clips never answered, because an earlier one was still running when they arrived."""

    @property
    def missed(self) -> int:
        """Late and dropped clips."""
        return self.late + self.dropped


def comparisons(run: BenchRun) -> tuple[Comparison, ...]:
    """Compare each subject with the first, and with itself without shared work or without beats.

    There is one comparison per stage in `COMPARED`, and none for a stream, whose samples are not
    paired.
    """
    if run.scenario == "stream":
        return ()
    by_label = {series.label: series for series in run.series}
    first = run.series[0]
    pairs = [(series, first) for series in run.series[1:]]
    pairs += [
        (series, without)
        for series in run.series
        for what in ("plain", "nobeats")
        if (without := by_label.get(f"{series.label}:{what}")) and without is not first
    ]
    return tuple(
        Comparison(
            series.label,
            base.label,
            stage,
            paired_ratio(base.samples_ms[stage], series.samples_ms[stage]),
        )
        for series, base in pairs
        for stage in COMPARED
    )


def rates(series: Series, videos: int) -> Rates:
    """Throughput of a series, in which each sample answers `videos` videos."""
    samples = series.samples_ms
    total_s, engine_s = (math.fsum(samples[stage]) / 1e3 for stage in COMPARED)
    n = len(samples["total"])
    return Rates(
        videos_per_s=n * videos / total_s,
        clips_per_s=n * series.clips / total_s,
        engine_clips_per_s=n * series.clips / engine_s,
        cores_busy=math.fsum(series.cpu_ms) / 1e3 / total_s,
    )


def deadlines(series: Series, every_ms: float) -> Deadlines:
    """Deadlines of a stream in which a clip arrives every `every_ms`."""
    totals = series.samples_ms["total"]
    late = sum(total > every_ms for total in totals)
    return Deadlines(len(totals) - late, late, series.dropped)


def shares(series: Series) -> dict[str, float]:
    """Each stage's part of the summed time of all samples, 0 to 1."""
    whole = math.fsum(series.samples_ms["total"])
    return {
        stage: math.fsum(samples) / whole
        for stage, samples in series.samples_ms.items()
        if stage != "total"
    }


def typical_ms(series: Series) -> float:
    """Median time from file to answer."""
    return median(series.samples_ms["total"])
