"""What a run's samples say: who is how many times as fast, rates, deadlines."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from edgeecho.tools.bench.run import BenchRun, Series
from edgeecho.tools.bench.statistics import Ratio, paired_ratio

COMPARED = ("total", "engine")


@dataclass(frozen=True)
class Comparison:
    """So many times as fast is one as the other, in the rounds of one run."""

    label: str
    base: str
    stage: str
    """Of `COMPARED`."""
    times: Ratio
    """Above 1: faster than `base`."""


@dataclass(frozen=True)
class Rates:
    """Throughput, one answer after the other."""

    videos_per_s: float
    clips_per_s: float
    engine_clips_per_s: float
    """The engine alone."""
    cores_busy: float
    """Mean over the samples: time of all cores over wall time."""


@dataclass(frozen=True)
class Deadlines:
    """What became of the clips of a stream; each is due when the next one comes."""

    in_time: int
    late: int
    """Answered after it was due."""
    dropped: int
    """Never answered: an earlier one was being answered when it came."""

    @property
    def missed(self) -> int:
        """Late and dropped ones."""
        return self.late + self.dropped


def comparisons(run: BenchRun) -> tuple[Comparison, ...]:
    """Each against the first, and each that shares against itself without; by `COMPARED` stage.

    None of a stream: its clips come when they come, not in pairs.
    """
    if run.scenario == "stream":
        return ()
    by_label = {series.label: series for series in run.series}
    first = run.series[0]
    pairs = [(series, first) for series in run.series[1:]]
    pairs += [
        (series, alone)
        for series in run.series
        if (alone := by_label.get(f"{series.label}:plain")) and alone is not first
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
    """`videos`: how many one sample answers."""
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
    """Of a stream in which a clip comes every `every_ms`."""
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
