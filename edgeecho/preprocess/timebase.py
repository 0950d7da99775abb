"""Frames at the rate that the network knows, by their time stamps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def resample_places(stamps_s: NDArray[np.float64], fps: float) -> NDArray[np.intp]:
    """Which frame to show at 0, 1/fps, 2/fps ... s: the nearest one in time.

    `stamps_s` `(T,)` increase from 0; gives `(T',)` frame numbers, up to the last frame's time.
    The nearest frame and not the mean of two: a blend of two positions of a wall is a picture
    that no scanner shows, and on phantoms at 25 and 30 frames/s its answers were further from
    those at 50 (docs/frame-rates.md). Halfway between two frames it is the earlier one.
    """
    # Stamps are rounded to milliseconds in some files: a twentieth of a step is no distance.
    count = int(np.floor(stamps_s[-1] * fps + 0.05)) + 1
    places = np.interp(np.arange(count) / fps, stamps_s, np.arange(len(stamps_s)))
    return np.floor(places + 0.45).astype(np.intp)
