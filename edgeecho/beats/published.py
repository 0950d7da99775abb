"""The beats of EchoNet-Dynamic's code, as published: systoles of the area curve, a clip for each.

Kept as it is, faults included (docs/beat-by-beat.md), to repeat what was published.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeecho.beats.peaks import Frames, find_peaks

_APART_FRAMES = 20
_LEAST_HEIGHT = 0.5
_LEAD_FRAMES = 32


def sizes_of(masks: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Pixels of each frame's mask: `(T, H, W) bool` -> `(T,)`."""
    return np.asarray(masks.sum(axis=(1, 2), dtype=np.int64))


def systoles(sizes: ArrayLike) -> Frames:
    """End-systolic frames by the number of pixels in each frame's mask `(T,)`.

    With fewer than six frames there are none: the published code fails on them.
    """
    # Not as they come: numbers without a sign, such as a sum of bits, cannot be negated.
    size = np.asarray(sizes, np.float64)
    count = len(size)
    # Exponents, not percentiles, as in the published code.
    low, high = round(count**0.05), round(count**0.95)
    if count == 0 or max(low, high) >= count:
        return np.empty(0, np.intp)
    ordered = np.sort(size)
    return find_peaks(
        -size, distance=_APART_FRAMES, prominence=_LEAST_HEIGHT * (ordered[high] - ordered[low])
    )


def clip_start(systole: int) -> int:
    """First frame of the clip that answers for the beat of a systole."""
    return max(systole - _LEAD_FRAMES, 0)


def ef_of(systole: int, clip_efs: Mapping[int, float]) -> float | None:
    """EF of a systole's beat, from the EFs of all clips by first frame; None without its clip.

    The published EF of a video is the plain mean of those that are there.
    """
    return clip_efs.get(clip_start(systole))
