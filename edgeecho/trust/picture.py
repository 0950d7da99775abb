"""Numbers of a video's pictures: coarse cells, motion, contrast, colours."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.preprocess import IN_CACHE

GRID = 14
"""Rows and columns of the coarse pictures: 8x8 pixels per cell average speckle out and keep
chambers."""
# In grey levels; below it the logarithm is nearly linear.
KNEE = 4.0
# In grey levels; added to the brightness, since noise in near black is a large share of it.
DARK = 8.0
# In grey levels, mean over time. The black beside a sector stays below it after JPEG.
LIT = 4.0
# In grey levels: what varies less over the picture is the same everywhere.
_EVEN = 1e-3

Floats = NDArray[np.float32]


def coarse(frames: NDArray[np.uint8], *selections: NDArray[np.intp]) -> list[Floats]:
    """Mean grey of each cell: `(T, S, S, 3)` -> `(n, GRID, GRID)` for each selection of frames."""
    needed, places = np.unique(np.concatenate(selections), return_inverse=True)
    size = frames.shape[1]
    # A cell's columns, if it has whole ones, are added up before anything becomes a float.
    columns = size // GRID if size % GRID == 0 else 1
    grey = np.empty((len(needed), GRID, GRID), np.float32)
    for place, target in zip(needed, grey, strict=True):
        rows = frames[place].reshape(-1, columns * 3)
        sums = cv2.reduce(rows, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32S).astype(np.float32)
        cv2.resize(sums.reshape(size, -1), (GRID, GRID), target, interpolation=cv2.INTER_AREA)
    grey /= columns * 3
    return np.split(grey[places], np.cumsum([len(chosen) for chosen in selections])[:-1])


def mean_grey(frames: NDArray[np.uint8]) -> Floats:
    """Mean grey of each pixel over time: `(T, S, S, 3)` -> `(S, S)`."""
    count, *shape = frames.shape
    sums = cv2.reduce(frames.reshape(count, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    red, green, blue = np.moveaxis((sums / np.float32(count)).reshape(shape), -1, 0)
    return np.asarray((red + green + blue) / 3, np.float32)


def motion(grey: Floats) -> float:
    """Motion beyond noise, in grey levels, that a tenth of the cells reach or exceed.

    The variance of noise that is independent in each frame is half the mean squared difference of
    successive frames (von Neumann, Ann. Math. Stat. 1941;12:367). A cell's variance beyond that is
    lasting motion. So a still with fresh noise or JPEG artefacts in every frame moves by 0.
    """
    if len(grey) < 2:
        return 0.0
    steps = np.square(np.diff(grey, axis=0)).mean(axis=0) / 2
    lasting = np.maximum(grey.var(axis=0) - steps, 0)
    return float(np.sqrt(np.percentile(lasting, 90)))


def flicker(grey: Floats) -> float:
    """Share of the motion of the lit cells that is one of the whole picture's brightness, 0 to 1.

    It is what no longer moves once each frame has the gain and offset of the mean picture.
    """
    cells = grey[:, grey.mean(axis=0) > LIT]
    if len(cells) < 2 or not cells.size:
        return 0.0
    mean = cells.mean(axis=0)
    pattern = mean - mean.mean()
    gain = cells @ pattern / max(float(pattern @ pattern), 1e-6)
    brightness = cells.mean(axis=1)[:, None] + gain[:, None] * pattern
    moves = motion(cells)
    return float(np.clip(1 - motion(cells - brightness) / moves, 0, 1)) if moves else 0.0


def bright_changes(frames: NDArray[np.uint8]) -> float:
    """Correlation over the lit pixels of `(T, S, S, 3)` between brightness and its change in time.

    Blood is dark and stays dark, walls are bright and move: it is above 0, -1 to 1, unless black
    and white are exchanged.
    """
    pixels = frames[:, ::3, ::3, 1].reshape(len(frames), -1).astype(np.float32)
    mean, change = pixels.mean(axis=0), pixels.std(axis=0)
    lit = mean > LIT
    if not lit.any() or min(mean[lit].std(), change[lit].std()) < _EVEN:
        return 0.0
    return float(np.corrcoef(mean[lit], change[lit])[0, 1])


def contrast(mean: Floats) -> float:
    lit = mean[mean > LIT]
    if not lit.size:
        return 0.0
    dark, bright = np.percentile(lit, [10, 90])
    return float(bright - dark)


def statistics(frames: NDArray[np.uint8]) -> Floats:
    sums = np.zeros((3, 3))
    for first in range(0, len(frames), IN_CACHE):
        some = frames[first : first + IN_CACHE]
        red, green, blue = planes = cv2.split(some.reshape(-1, some.shape[2], 3))
        pairs = (red, green), (green, blue), (blue, red)
        sums += [
            [cv2.norm(plane, cv2.NORM_L1) for plane in planes],
            [cv2.norm(plane, cv2.NORM_L2SQR) for plane in planes],
            [cv2.norm(*pair, cv2.NORM_L1) for pair in pairs],
        ]
    mean, square, difference = sums * 3 / frames.size
    # The largest of three levels minus the smallest is half the sum of their differences.
    return np.array([*mean, *np.sqrt(square - mean**2), difference.sum() / 2], np.float32)
