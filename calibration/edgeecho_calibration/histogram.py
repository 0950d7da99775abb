"""A streaming histogram of |values|, and choosing quantization ranges from it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BINS = 4096
_LEVELS = 128
"""Number of magnitudes of a signed 8-bit number."""
PERCENTILE = 99.999
_CHUNK = 1 << 20


class Histogram:
    """Counts of |values| in equal bins from 0 to a power of two.

    A value beyond the top doubles the range and merges neighbouring bins. That is exact, so the
    result does not depend on the order of the clips.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BINS, np.int64)
        self.top = math.ldexp(1.0, -60)
        """Upper edge of the last bin; initially below any value that matters."""
        self.largest = 0.0

    @property
    def width(self) -> float:
        """Width of a bin."""
        return self.top / BINS

    def add(self, values: NDArray[np.float32]) -> None:
        """Add values of any shape; `ValueError` if one is not finite."""
        flat = values.reshape(-1)
        largest = float(max(flat.max(), -flat.min()))
        if not math.isfinite(largest):
            raise ValueError("a tensor holds values that are not numbers")
        self._grow(largest)
        scale = np.float32(1 / self.width)
        # In chunks, so that the copies stay small.
        for first in range(0, len(flat), _CHUNK):
            places = (np.abs(flat[first : first + _CHUNK]) * scale).astype(np.int32)
            np.minimum(places, BINS - 1, out=places)
            self.counts += np.bincount(places, minlength=BINS)
        self.largest = max(self.largest, largest)

    def _grow(self, largest: float) -> None:
        while largest >= self.top:
            pairs = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.concatenate([pairs, np.zeros(BINS // 2, np.int64)])
            self.top *= 2


def choose_range(histogram: Histogram, method: str) -> float:
    """The largest |value| to represent in INT8, by `minmax`, `percentile` or `entropy`."""
    if method == "minmax":
        return histogram.largest
    if method == "percentile":
        return _percentile(histogram)
    if method == "entropy":
        return _entropy(histogram)
    raise ValueError(method)


def _percentile(histogram: Histogram) -> float:
    reached = np.cumsum(histogram.counts) >= histogram.counts.sum() * (PERCENTILE / 100)
    return min((int(reached.argmax()) + 1) * histogram.width, histogram.largest)


def _entropy(histogram: Histogram) -> float:
    """The clipping threshold at which 128 levels have the least Kullback-Leibler divergence.

    S. Migacz, "8-bit Inference with TensorRT", GTC 2017.
    """
    used = int(np.flatnonzero(histogram.counts)[-1]) + 1 if histogram.counts.any() else 1
    counts = histogram.counts[:used].astype(np.float64)
    # After a ReLU most values are 0, which every scale represents exactly, and they would outweigh
    # all others. Like NVIDIA's pytorch-quantization, use the next bin's count instead.
    counts[0] = counts[1] if used > 1 else counts[0]
    best, least = used, math.inf
    step = max(1, used // 256)
    for end in range(min(_LEVELS, used), used + 1, step):
        divergence = _divergence(counts, end)
        if divergence < least:
            best, least = end, divergence
    return min(best * histogram.width, histogram.largest)


def _divergence(counts: NDArray[np.float64], end: int) -> float:
    """KL divergence of the histogram clipped at bin `end` and quantized, from the original."""
    inside = counts[:end]
    reference = inside.copy()
    reference[-1] += counts[end:].sum()
    # Each level spreads its sum evenly over its non-empty bins.
    level = np.arange(end) * _LEVELS // end
    filled = inside > 0
    sums = np.bincount(level, inside, _LEVELS)
    shares = np.bincount(level, filled, _LEVELS)
    mean = np.divide(sums, shares, out=np.zeros(_LEVELS), where=shares > 0)
    quantized = np.where(filled, mean[level], 0)
    seen = reference > 0
    if not quantized.any() or (quantized[seen] == 0).any():
        return math.inf
    p = reference[seen] / reference.sum()
    q = quantized[seen] / quantized.sum()
    return float((p * np.log(p / q)).sum())
