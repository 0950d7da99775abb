"""The curve of areas over time, without single bad masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Half the window of the running median in s: two frames to either side at 50 frames/s. Always at
# least one, so that a single bad mask goes; the plateaus of ED and ES are longer than that.
_HALF_WINDOW_S = 0.04
# Before that, masks are dropped that differ from the median of a wider window by more than this
# share of the curve's height: bad masks that follow one another. If more than this share of all
# masks does, they are not bad: so few frames show each beat of a fast heart.
_WIDE_S, _BAD, _MOST_BAD = 0.08, 0.5, 0.1
# The curve's height is that between these percentiles: a rest of bad masks does not change it, and
# at 30 beats/min systole is still longer than that.
_LOW, _HIGH = 5.0, 95.0
# As a share of the area, which changes by 6 % at an EF of 10 %.
_LEAST_HEIGHT = 0.025
# Noise: this percentile of the distances from the smoothed curve, and its largest share of the
# height. Beats of 30 to 200 a minute at 20 to 120 frames/s had 0.24 at most, noise alone 0.41 or
# more.
_MOST_FRAMES, _MOST_JITTER = 80.0, 0.35

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AreaCurve:
    """Areas of the masks over time, in arrays `(T,)`."""

    seconds: Floats
    areas: Floats
    """Pixels of each frame's mask; NaN where it is empty."""
    smooth: Floats
    """The running median of the areas, interpolated in time where masks are empty or bad."""

    @property
    def height(self) -> float:
        """From the small to the large areas of the smoothed curve, in pixels."""
        return _height(self.smooth)

    @property
    def distances(self) -> Floats:
        """How far each mask's area is from the smoothed curve, in pixels; infinite if empty."""
        return np.where(np.isnan(self.areas), np.inf, np.abs(self.areas - self.smooth))

    @property
    def noise(self) -> float:
        """What few of these distances exceed, empty masks apart."""
        return float(np.percentile(self.distances[np.isfinite(self.areas)], _MOST_FRAMES))

    @property
    def still(self) -> bool:
        """Nothing moves: the areas stay the same."""
        return bool(self.height < _LEAST_HEIGHT * np.median(self.smooth))

    @property
    def jumps(self) -> bool:
        """Nothing beats: the areas change from frame to frame, not from beat to beat."""
        return self.noise > _MOST_JITTER * self.height


def curve_of(areas: Floats, seconds: Floats) -> AreaCurve:
    """Smooth areas `(T,)`, NaN where there is none, of frames at `seconds` `(T,)`."""
    there = np.isfinite(areas)
    if not there.any():
        return AreaCurve(seconds, areas, areas)
    filled = np.interp(seconds, seconds[there], areas[there])
    half, wide = (frames_in(seconds, window) for window in (_HALF_WINDOW_S, _WIDE_S))
    smooth = _running_median(filled, half)
    off = np.abs(filled - _running_median(filled, wide))
    bad = off > _BAD * _height(smooth)
    if wide > half and 0 < bad.mean() <= _MOST_BAD:
        filled = np.interp(seconds, seconds[~bad], filled[~bad])
        smooth = _running_median(filled, half)
    return AreaCurve(seconds, areas, smooth)


def frames_in(seconds: Floats, span_s: float) -> int:
    """How many steps from frame to frame make `span_s`: at least one."""
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    return max(1, round(span_s / step))


def _height(areas: Floats) -> float:
    low, high = np.percentile(areas, (_LOW, _HIGH))
    return float(high - low)


def _running_median(values: Floats, half: int) -> Floats:
    """Median over `half` frames to either side."""
    count = len(values)
    if count < 3:
        return values.copy()
    smooth = values.copy()
    # Narrower towards the ends, or a slope there would look like a plateau.
    half = min(half, (count - 1) // 2)
    for reach in range(1, half):
        smooth[reach] = np.median(values[: 2 * reach + 1])
        smooth[-1 - reach] = np.median(values[-2 * reach - 1 :])
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * half + 1)
    smooth[half : count - half] = np.median(windows, axis=1)
    # Tukey's rule: an end may not be further off than the line through its neighbours points to.
    for end, near, next_to_it in ((0, 1, 2), (-1, -2, -3)):
        beyond = 3 * smooth[near] - 2 * smooth[next_to_it]
        smooth[end] = np.median([values[end], smooth[near], beyond])
    return smooth
