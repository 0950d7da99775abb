"""Statistics of samples, without claiming more than their number supports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERCENTS = (50, 90, 95, 99)
LEVEL = 0.95
"""Confidence level of every interval."""


@dataclass(frozen=True)
class Percentile:
    """A percentile, or how many samples it would need."""

    percent: int
    needed_n: int
    """Minimum number of samples for it."""
    value: float | None
    """In the samples' unit, interpolated linearly; None with fewer samples."""


@dataclass(frozen=True)
class Summary:
    """Summary of samples in their unit, with no outliers removed."""

    n: int
    mean: float
    percentiles: tuple[Percentile, ...]
    """The percentiles of `PERCENTS`, in that order."""
    max: float


def needed_samples(percent: int) -> int:
    """Minimum number of samples of which one lies beyond the percentile: ceil(1 / (1 - q)).

    p90 needs 10, p95 20 and p99 100. With fewer samples, a percentile is just the maximum.
    """
    if not 0 < percent < 100:
        raise ValueError(f"expected a percentile between 0 and 100, got {percent}")
    return -(-100 // (100 - percent))


def summarise(samples: Sequence[float]) -> Summary:
    """Mean, percentiles and maximum of at least one sample."""
    if not samples:
        raise ValueError("expected at least one sample, got none")
    return Summary(
        n=len(samples),
        mean=math.fsum(samples) / len(samples),
        percentiles=tuple(_percentile(samples, percent) for percent in PERCENTS),
        max=max(samples),
    )


def _percentile(samples: Sequence[float], percent: int) -> Percentile:
    needed = needed_samples(percent)
    carried = len(samples) >= needed
    value = float(np.percentile(samples, percent)) if carried else None
    return Percentile(percent, needed, value)


@dataclass(frozen=True)
class Ratio:
    """A ratio of times with its confidence interval."""

    value: float
    low: float | None
    """None for a single sample, which does not show how much it varies."""
    high: float | None
    n: int
    """Number of samples or pairs; with two sets, of the smaller one."""
    level: float = LEVEL


def paired_ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Geometric mean of `above[i] / below[i]`.

    Both are times of the same round, so slow changes of the machine cancel. The interval is
    Student's, of the logarithms of the ratios.
    """
    if not 0 < len(above) == len(below):
        raise ValueError(f"expected pairs of times, got {len(above)} and {len(below)}")
    logs = np.log(above) - np.log(below)
    n = len(logs)
    if n == 1:
        return Ratio(float(np.exp(logs[0])), None, None, 1)
    return _with_interval(float(logs.mean()), float(logs.std(ddof=1)) / math.sqrt(n), n - 1, n)


def unpaired_ratio(above: Sequence[float], below: Sequence[float]) -> Ratio:
    """Ratio of the geometric means of two runs at different times, with Welch's interval.

    It accounts for the variation within each run, not for changes of the machine between them.
    """
    logs = [np.log(values) for values in (above, below)]
    middle, n = float(logs[0].mean() - logs[1].mean()), min(map(len, logs))
    if n == 1:
        return Ratio(math.exp(middle), None, None, 1)
    parts = [float(values.var(ddof=1)) / len(values) for values in logs]
    total = math.fsum(parts)
    if total == 0:
        return Ratio(math.exp(middle), math.exp(middle), math.exp(middle), n)
    spread = math.fsum(p**2 / (len(v) - 1) for p, v in zip(parts, logs, strict=True))
    return _with_interval(middle, math.sqrt(total), total**2 / spread, n)


def _with_interval(middle: float, error: float, freedom: float, n: int) -> Ratio:
    reach = student(freedom) * error
    return Ratio(math.exp(middle), math.exp(middle - reach), math.exp(middle + reach), n)


def student(freedom: float, level: float = LEVEL) -> float:
    """Two-sided quantile of Student's t distribution for `level`.

    With t = sqrt(freedom) tan(x), the density is proportional to cos(x)^(freedom - 1), which is
    summed here, because the runtime does not depend on scipy.
    """
    if not freedom > 0:
        raise ValueError(f"expected more than 0 degrees of freedom, got {freedom}")
    x = np.linspace(0, math.pi / 2, 400_001)
    density = np.cos((x[1:] + x[:-1]) / 2) ** (freedom - 1)
    inside = np.concatenate([[0.0], np.cumsum(density)])
    return float(math.sqrt(freedom) * math.tan(np.interp(level, inside / inside[-1], x)))
