"""Resampling frames in time to the model's frame rate, by their time stamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A resampled frame further than this many steps from any decoded frame lies in a gap. Files that
# lost single frames, or whose frame times are uneven, stay below it.
_FAR = 1.5


@dataclass(frozen=True)
class Gaps:
    """Gaps in which a video has no frames for resampling. Frames are counted at the new rate."""

    longest_s: float
    """Time from the last frame before the longest gap to the first after it."""
    after_s: float
    """Time of that last frame."""
    frames: int
    """Number of resampled frames in gaps."""
    frames_in_clip: int
    """The largest number of them in one clip."""


def count_resampled(stamps_s: NDArray[np.float64], fps: float) -> int:
    """Number of frames at 0, 1/fps, 2/fps ... s up to the last stamp; stamps increase from 0."""
    # Some files round stamps to milliseconds, so a twentieth of a step is ignored.
    return int(np.floor(stamps_s[-1] * fps + 0.05)) + 1


def resample_places(stamps_s: NDArray[np.float64], fps: float) -> NDArray[np.intp]:
    """The frame nearest in time to each of 0, 1/fps, 2/fps ... s.

    `stamps_s` `(T,)` increase from 0; the result is `(T',)` frame numbers up to the last frame's
    time. Frames are not interpolated: a blend of two positions of a wall is a picture that no
    scanner shows, and on phantoms at 25 and 30 frames/s its answers were further from those at 50
    (docs/frame-rates.md). Halfway between two frames, the earlier one is taken.
    """
    return places_at(np.arange(count_resampled(stamps_s, fps)) / fps, stamps_s)


def places_at(
    times_s: NDArray[np.float64], stamps_s: NDArray[np.float64], *, first: int = 0
) -> NDArray[np.intp]:
    """For each time, the nearest of the frames `first`, `first + 1`, ...; see `resample_places`."""
    places = np.interp(times_s, stamps_s, np.arange(first, first + len(stamps_s)))
    return np.floor(places + 0.45).astype(np.intp)


def find_gaps(stamps_s: NDArray[np.float64], fps: float, window: int) -> Gaps | None:
    """Gaps between `stamps_s` `(T,)`, and how much of a clip of `window` frames at `fps` they fill.

    They are computed from the stamps alone, so that an absurdly late one costs no memory.
    """
    steps = np.diff(stamps_s)
    if not len(steps):
        return None
    far = _FAR * max(float(np.median(steps)), 1 / fps)
    holes = np.flatnonzero(steps > 2 * far)
    if not len(holes):
        return None
    begins, lengths = stamps_s[holes] + far, steps[holes] - 2 * far
    # Accumulated empty time at each start and end of a gap; the emptiest clip begins with a gap.
    before = np.cumsum(lengths) - lengths
    times = np.stack([begins, begins + lengths], axis=1).ravel()
    empty = np.stack([before, before + lengths], axis=1).ravel()
    in_clip = np.interp(begins + window / fps, times, empty) - before
    longest = int(np.argmax(steps))
    return Gaps(
        longest_s=float(steps[longest]),
        after_s=float(stamps_s[longest]),
        frames=round(float(lengths.sum()) * fps),
        frames_in_clip=round(float(in_clip.max()) * fps),
    )
