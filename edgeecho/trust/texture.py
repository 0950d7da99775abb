"""The grain of a video: how its pictures are made up, wherever the heart is in them.

Two machines, or two simulators, may show the same heart with the same brightness. They differ in
how fine their speckle is, which way it lies, how it changes from frame to frame, and how grey
levels are shared out. That is what is described here, for four octaves of detail.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.trust.picture import LIT, Floats

Frames = NDArray[np.uint8]
Stack = NDArray[np.float32]

FRAMES = 64
"""How many frames are looked at, in the middle of the video: more than a beat at 50 frames/s."""
_OCTAVES = 4
_LAGS = (1, 2, 4, 8)
_QUANTILES = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
SIZE = _OCTAVES * (4 + len(_LAGS)) + len(_QUANTILES) + 3
# Added before logarithms are taken: to ratios, to shares of the mean grey, to shares of pixels.
_RATIO, _SHARE, _GREY, _DARK, _BRIGHT = 1e-3, 1e-2, 0.05, 0.01, 0.003
_LEAST_PIXELS = 200


def texture(frames: Frames) -> Floats:
    """Describe frames `(T, S, S, 3)` by `SIZE` logarithms of ratios, where the picture is lit.

    For each octave: its share of the mean grey, how peaked it is (mean square by squared mean),
    lateral by axial change of the picture, its lasting part (standard deviation over time), and
    its change over 1, 2, 4 and 8 frames. Then quantiles of the grey levels by their mean, that
    mean, and the shares that are black and saturated.
    """
    first = max(0, (len(frames) - FRAMES) // 2)
    grey = _grey(frames[first : first + FRAMES])
    lit = grey.mean(axis=0) > LIT
    if lit.sum() < _LEAST_PIXELS:
        lit[:] = True
    levels = np.bincount(grey[:, lit].ravel(), minlength=256) / (len(grey) * lit.sum())
    mean = float(levels @ np.arange(256)) + 1
    found: list[float] = []
    picture, mask = grey.astype(np.float32), lit.astype(np.uint8)
    for _ in range(_OCTAVES):
        smooth = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.0) for frame in picture])
        found += _octave(picture, picture - smooth, _inside(mask), mean)
        picture, mask = np.ascontiguousarray(smooth[:, ::2, ::2]), mask[::2, ::2]
    places = np.searchsorted(np.cumsum(levels), _QUANTILES)
    found += np.log(places / mean + _GREY).tolist()
    dark, bright = levels[:2].sum(), levels[250:].sum()
    found += [np.log(mean), np.log(dark + _DARK), np.log(bright + _BRIGHT)]
    return np.array(found, np.float32)


def _grey(frames: Frames) -> Frames:
    size = frames.shape[1]
    third = np.full((1, 3), 1 / 3, np.float32)
    rows = cv2.transform(frames.reshape(-1, size, 3), third)
    return np.asarray(rows, np.uint8).reshape(len(frames), size, size)


def _inside(mask: Frames) -> Frames:
    """The lit pixels whose neighbours are lit too, if there are enough of them."""
    inner = np.asarray(cv2.erode(mask, np.ones((3, 3), np.uint8)), np.uint8)
    return inner if inner.sum() >= _LEAST_PIXELS / 10 else mask


def _octave(picture: Stack, band: Stack, mask: Frames, mean: float) -> list[float]:
    pixels = int(mask.sum())

    def change(values: Stack, lag: int, axis: int) -> float:
        """Mean absolute difference over `lag` places of an axis, within the mask."""
        if values.shape[axis] <= lag:
            return 0.0
        cut = [slice(None)] * 3
        cut[axis] = slice(lag, None)
        here = values[tuple(cut)]
        cut[axis] = slice(None, -lag)
        there, within = values[tuple(cut)], mask[tuple(cut[1:])]
        total = cv2.norm(_tall(here), _tall(there), cv2.NORM_L1, _tiled(within, len(here)))
        return total / max(len(here) * int(within.sum()), 1)

    whole = _tiled(mask, len(band))
    size = cv2.norm(_tall(band), cv2.NORM_L1, whole) / (len(band) * pixels)
    square = cv2.norm(_tall(band), cv2.NORM_L2SQR, whole) / (len(band) * pixels)
    lasting = float(band.std(axis=0)[mask > 0].mean())
    changes = [change(band, lag, 0) for lag in _LAGS]
    lateral, axial = change(picture, 1, 2), change(picture, 1, 1)
    return [
        _log(size, mean, _SHARE),
        _log(square, size**2),
        _log(lateral, axial),
        _log(lasting, size),
        *(_log(value, size) for value in changes),
    ]


def _tall(stack: Stack) -> Stack:
    """Frames `(T, H, W)` below each other, as one picture."""
    return np.ascontiguousarray(stack).reshape(-1, stack.shape[2])


def _tiled(mask: Frames, times: int) -> Frames:
    return np.tile(mask, (times, 1))


def _log(one: float, other: float, floor: float = _RATIO) -> float:
    return float(np.log((one + floor) / (other + floor)))
