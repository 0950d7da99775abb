"""Summaries of samples that claim no more than the samples carry."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PERCENTS = (50, 90, 95, 99)


@dataclass(frozen=True)
class Percentile:
    """One percentile, or how many samples it would take."""

    percent: int
    needed_n: int
    """Fewest samples that carry it."""
    value: float | None
    """In the samples' unit, interpolated linearly between neighbours; None for fewer samples."""


@dataclass(frozen=True)
class Summary:
    """What a set of samples says, in the samples' unit; nothing is left out as an outlier."""

    n: int
    mean: float
    percentiles: tuple[Percentile, ...]
    """Those of `PERCENTS`, in that order."""
    max: float


def needed_samples(percent: int) -> int:
    """Fewest samples of which one lies beyond the percentile: ceil(1 / (1 - q)).

    p90 needs 10, p95 20, p99 100. With fewer, a percentile is the maximum under another name.
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
