"""Bootstrap intervals as EchoNet-Dynamic gives them.

The sorted statistics of 10,000 resamples of the videos, numbers 500 and 9500: a 90 % interval,
whose lower end is a one-sided bound of 95 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.9
SEED = 0
# Limits the counts in memory to 16 MB, however many videos there are.
_CHUNK = 2_000_000


@dataclass(frozen=True)
class Measured:
    """A statistic with its bootstrap interval."""

    value: float
    low: float
    high: float
    level: float = LEVEL
    undefined: int = 0
    """Number of resamples left out because it is undefined, as AUROC is without a low EF."""


def bootstrap_mean(
    samples: NDArray[np.float64], *, resamples: int = RESAMPLES, seed: int = SEED
) -> Measured:
    """Mean of samples `(n,)` with its interval; for paired differences, the paired interval."""
    means = [counts @ samples / len(samples) for counts in resample(len(samples), resamples, seed)]
    return measured(float(samples.mean()), np.concatenate(means))


def resample(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Counts `(k, n)` of how often each of `n` videos is drawn, in chunks that fit into memory.

    Drawing n of n with replacement and counting is a multinomial draw.
    """
    generator = np.random.default_rng(seed)
    chunk = max(1, _CHUNK // n)
    for first in range(0, resamples, chunk):
        size = min(chunk, resamples - first)
        yield generator.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)


def measured(value: float, resampled: NDArray[np.float64]) -> Measured:
    """A statistic and its interval from its resampled values, NaN where it is undefined."""
    defined = np.sort(resampled[np.isfinite(resampled)])
    # As published: of 10,000 sorted values, indices 500 and 9500.
    places = [round(len(defined) * (1 + side * LEVEL) / 2) for side in (-1, 1)]
    low, high = (float(defined[min(place, len(defined) - 1)]) for place in places)
    return Measured(value, low, high, undefined=len(resampled) - len(defined))
