"""Frames at the rate that the network knows, by their time stamps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Further than so many steps from any decoded frame, a frame is no picture of its time. Files that
# lost single frames, or whose steps are uneven, stay below it.
_FAR = 1.5


@dataclass(frozen=True)
class Gaps:
    """Where a video has no frames that resampling could show. Frames are at the new rate."""

    longest_s: float
    """From the last frame before the longest gap to the first behind it."""
    after_s: float
    """Time of that last frame."""
    frames: int
    """Frames in gaps."""
    frames_in_clip: int
    """The most of them that one clip can hold."""


def count_resampled(stamps_s: NDArray[np.float64], fps: float) -> int:
    """Number of frames at 0, 1/fps, 2/fps ... s, up to the last stamp; they increase from 0."""
    # Stamps are rounded to milliseconds in some files: a twentieth of a step is no distance.
    return int(np.floor(stamps_s[-1] * fps + 0.05)) + 1


def resample_places(stamps_s: NDArray[np.float64], fps: float) -> NDArray[np.intp]:
    """Which frame to show at 0, 1/fps, 2/fps ... s: the nearest one in time.

    `stamps_s` `(T,)` increase from 0; gives `(T',)` frame numbers, up to the last frame's time.
    The nearest frame and not the mean of two: a blend of two positions of a wall is a picture
    that no scanner shows, and on phantoms at 25 and 30 frames/s its answers were further from
    those at 50 (docs/frame-rates.md). Halfway between two frames it is the earlier one.
    """
    return places_at(np.arange(count_resampled(stamps_s, fps)) / fps, stamps_s)


def places_at(
    times_s: NDArray[np.float64], stamps_s: NDArray[np.float64], *, first: int = 0
) -> NDArray[np.intp]:
    """The nearest of the frames `first`, `first + 1`, ... for each time; see `resample_places`."""
    places = np.interp(times_s, stamps_s, np.arange(first, first + len(stamps_s)))
    return np.floor(places + 0.45).astype(np.intp)


def find_gaps(stamps_s: NDArray[np.float64], fps: float, window: int) -> Gaps | None:
    """Gaps between `stamps_s` `(T,)`, and how much of a clip of `window` frames at `fps` they fill.

    From the stamps alone: one that is absurdly late must cost no memory.
    """
    steps = np.diff(stamps_s)
    if not len(steps):
        return None
    far = _FAR * max(float(np.median(steps)), 1 / fps)
    holes = np.flatnonzero(steps > 2 * far)
    if not len(holes):
        return None
    begins, lengths = stamps_s[holes] + far, steps[holes] - 2 * far
    # Empty time before each begin and end of a hole; the fullest clip begins with a hole.
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
