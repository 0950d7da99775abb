"""Masks of simple ventricles whose volumes are known in closed form."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SIZE = 112


def half_cut(a: float, b: float, turn: float = 0.0, *, cut: float = 1.0) -> NDArray[np.bool_]:
    """An ellipse with semi-axes `a` (long) and `b` in pixels, turned by `turn` in radians, and cut
    `cut` semi-axes beyond its centre: at 1 whole, at 0.5 a ventricle with a flat mitral plane."""
    y, x = np.indices((SIZE, SIZE)) - (SIZE - 1) / 2
    along = x * math.sin(turn) + y * math.cos(turn)
    across = x * math.cos(turn) - y * math.sin(turn)
    return ((along / a) ** 2 + (across / b) ** 2 <= 1) & (along <= cut * a)


def volume(a: float, b: float, *, cut: float = 1.0) -> float:
    """Volume in cubic pixels of the body that the same ellipse sweeps around its long axis."""
    return math.pi * a * b * b * (cut - cut**3 / 3 + 2 / 3)


def emptied(seconds: NDArray[np.float64], onsets: list[float]) -> NDArray[np.float64]:
    """Share of the stroke that has left at `seconds`, for beats that begin at `onsets` in s.

    Each stays full for 60 ms, ejects for 240 ms, stays empty for 60 ms and fills for 180 ms.
    """
    since = seconds[:, None] - np.array(onsets)
    ejected = np.clip((since - 0.06) / 0.24, 0, 1)
    filled = np.clip((since - 0.36) / 0.18, 0, 1)
    share = (np.cos(np.pi * filled) - np.cos(np.pi * ejected)) / 2
    return np.asarray(share.sum(axis=1))


def beating(
    seconds: NDArray[np.float64], onsets: list[float], *, ef: float = 60.0
) -> NDArray[np.bool_]:
    """Masks `(T, 112, 112)` of a cut ellipse that loses `ef` % of its volume in each beat."""
    left = 1 - ef / 100 * emptied(seconds, onsets)
    # The long axis shortens less than the short one narrows.
    return np.stack([half_cut(40 * v**0.16, 20 * v**0.42, cut=0.5) for v in left.tolist()])
