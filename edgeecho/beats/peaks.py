"""Peaks of a curve as `scipy.signal.find_peaks` finds them; the runtime has no scipy."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Frames = NDArray[np.intp]


def find_peaks(
    curve: ArrayLike, *, distance: float, prominence: float, at: ArrayLike | None = None
) -> Frames:
    """Peaks of `curve` `(n,)` that are at least `distance` apart and at least so prominent.

    The samples lie `at` `(n,)`, by default at 0, 1, 2 ...; then the answer is scipy's, ties too.
    """
    x = np.asarray(curve, np.float64)
    places = np.arange(len(x)) if at is None else np.asarray(at)
    peaks = _spaced(_maxima(x), x, places, distance)
    return np.array([peak for peak in peaks if _prominence(x, peak) >= prominence], np.intp)


def _maxima(x: Floats) -> Frames:
    """Samples higher than both neighbours; of a plateau its middle. The ends are no peaks."""
    steps = np.flatnonzero(np.diff(x))
    rising = x[steps + 1] > x[steps]
    top = np.flatnonzero(rising[:-1] & ~rising[1:])
    # A plateau begins after one step and ends before the next.
    middles: Frames = (steps[top] + 1 + steps[top + 1]) // 2
    return middles


def _spaced(peaks: Frames, x: Floats, places: NDArray[np.generic], distance: float) -> Frames:
    """Without the peaks that are too near a higher one, decided from the highest down."""
    kept = np.ones(len(peaks), bool)
    # scipy's order: its sort is not stable, so that of equal peaks the same one must come first.
    for peak in np.argsort(x[peaks])[::-1]:
        if kept[peak]:
            gaps = np.abs(places[peaks] - places[peaks[peak]])
            kept &= gaps >= distance
            kept[peak] = True
    return peaks[kept]


def _prominence(x: Floats, peak: int) -> float:
    """Height above the higher of the two lowest points before higher ground is reached."""
    higher = np.flatnonzero(x > x[peak])
    left = int(np.max(higher[higher < peak], initial=-1)) + 1
    right = int(np.min(higher[higher > peak], initial=len(x)))
    return float(x[peak] - max(x[left : peak + 1].min(), x[peak:right].min()))
