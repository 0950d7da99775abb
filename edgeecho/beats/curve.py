"""The curve of areas over time, without single bad masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Half the window of the running median in s: two frames to either side at 50 frames/s. Always at
# least one, so that a single bad mask goes; the plateaus of ED and ES are longer than that.
_HALF_WINDOW_S = 0.04
# The curve's height is that between these percentiles: a rest of bad masks does not change it, and
# at 30 beats/min systole is still longer than that.
_LOW, _HIGH = 5.0, 95.0
# As a share of the area, which changes by 6 % at an EF of 10 %.
_LEAST_HEIGHT = 0.025
# Distance of most areas from the smoothed curve, as a share of its height. Beats of 30 to 180 a
# minute at 20 to 120 frames/s had 0.16 at most, noise without beats 0.41 or more.
_MOST_FRAMES, _MOST_JITTER = 80.0, 0.35

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class AreaCurve:
    """Areas of the masks over time, in arrays `(T,)`."""

    seconds: Floats
    areas: Floats
    """Pixels of each frame's mask; NaN where it is empty."""
    smooth: Floats
    """The running median of the areas, over empty masks interpolated in time."""

    @property
    def height(self) -> float:
        """From the small to the large areas of the smoothed curve, in pixels."""
        low, high = np.percentile(self.smooth, (_LOW, _HIGH))
        return float(high - low)

    @property
    def distances(self) -> Floats:
        """How far each mask's area is from the smoothed curve, in pixels; infinite if empty."""
        return np.where(np.isnan(self.areas), np.inf, np.abs(self.areas - self.smooth))

    @property
    def still(self) -> bool:
        """Nothing moves: the areas stay the same."""
        return bool(self.height < _LEAST_HEIGHT * np.median(self.smooth))

    @property
    def jumps(self) -> bool:
        """Nothing beats: the areas change from frame to frame, not from beat to beat."""
        there = self.distances[np.isfinite(self.areas)]
        return bool(np.percentile(there, _MOST_FRAMES) > _MOST_JITTER * self.height)


def curve_of(areas: Floats, seconds: Floats) -> AreaCurve:
    """Smooth areas `(T,)`, NaN where there is none, of frames at `seconds` `(T,)`."""
    there = np.isfinite(areas)
    filled = np.interp(seconds, seconds[there], areas[there]) if there.any() else areas
    return AreaCurve(seconds, areas, _running_median(filled, seconds))


def _running_median(values: Floats, seconds: Floats) -> Floats:
    count = len(values)
    if count < 3:
        return values.copy()
    half = max(1, round(_HALF_WINDOW_S / float(np.median(np.diff(seconds)))))
    smooth = values.copy()
    for frame in range(1, count - 1):
        # Narrower towards the ends, or a slope there would look like a plateau.
        reach = min(half, frame, count - 1 - frame)
        smooth[frame] = np.median(values[frame - reach : frame + reach + 1])
    # Tukey's rule: an end may not be further off than the line through its neighbours points to.
    for end, near, next_to_it in ((0, 1, 2), (-1, -2, -3)):
        beyond = 3 * smooth[near] - 2 * smooth[next_to_it]
        smooth[end] = np.median([values[end], smooth[near], beyond])
    return smooth
