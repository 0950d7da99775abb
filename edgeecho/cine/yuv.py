"""Y'CbCr to BGR with the bits of FFmpeg's code for x86-64, for processors that round otherwise.

FFmpeg converts 8-bit 4:2:0 and 4:2:2 frames by 16-bit products of which it keeps the upper half.
Its code for arm64 rounds them, which makes most pixels one level brighter. Networks are trained on
x86-64, where OpenCV gives the same pixels, so these are reproduced here, and on x86-64 held to
FFmpeg's for every triple of values (tests/cine/test_yuv.py).
"""

from __future__ import annotations

import platform
from functools import cache

import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

NATIVE = platform.machine().lower() in {"x86_64", "amd64"}
"""Whether FFmpeg's own conversion gives these bits on this machine."""

_FORMATS = {
    "yuv420p": (2, False),
    "yuvj420p": (2, True),
    "yuv422p": (1, False),
    "yuvj422p": (1, True),
}
"""Rows of a chroma sample, and whether it is full-range whatever the frame says."""
_FULL_RANGE = 2
_BT601 = 104597, 132201, -25675, -53279
_FACTORS = {
    1: (117489, 138438, -13975, -34925), 2: _BT601, 4: (104448, 132798, -24759, -53109),
    5: _BT601, 6: _BT601, 7: (117579, 136230, -16907, -35559), 9: (110013, 140363, -12277, -42626),
}  # fmt: skip
"""By ITU-T H.273's number of the matrix, where 2 is unspecified: what V adds to red, U to blue, U
and V to green, for the limited range, in 1/65536 as FFmpeg rounds them."""


def convertible(frame: VideoFrame) -> bool:
    """Whether `to_bgr` knows its format. An odd height goes another way in FFmpeg."""
    known = frame.format.name in _FORMATS and frame.colorspace in _FACTORS
    return known and frame.height % 2 == 0


def to_bgr(frame: VideoFrame) -> NDArray[np.uint8]:
    """`(H, W, 3)` of a `convertible` frame."""
    rows, full = _FORMATS[frame.format.name]
    full = full or frame.color_range == _FULL_RANGE
    luma, red, blue, green_u, green_v = _tables(full, _FACTORS[frame.colorspace])
    y, u, v = (_pixels(frame, index) for index in range(3))
    bright, coloured = luma[y], (blue[u], green_u[u] + green_v[v], red[v])
    return np.asarray(cv2.merge([_sum(bright, part, rows) for part in coloured]), np.uint8)


def _pixels(frame: VideoFrame, index: int) -> NDArray[np.uint8]:
    plane = frame.planes[index]
    size, strides = (plane.height, plane.width), (plane.line_size, 1)
    return np.ndarray(size, np.uint8, memoryview(plane), strides=strides)


def _sum(luma: NDArray[np.int16], chroma: NDArray[np.int16], rows: int) -> NDArray[np.uint8]:
    each = np.repeat(np.repeat(chroma, rows, axis=0), 2, axis=1)[:, : luma.shape[1]]
    return np.asarray(cv2.add(luma, each, dtype=cv2.CV_8U), np.uint8)


@cache
def _tables(full: bool, factors: tuple[int, ...]) -> tuple[NDArray[np.int16], ...]:
    """What each value adds: luma to all, V to red, U to blue, U and V to green.

    Values are in eighths, factors in 1/8192, and the product's lower 16 bits are cut off.
    """
    scale, black = (65536, 0) if full else (65536 * 255 // 219, 16)
    if full:
        factors = tuple(int(factor * 224 / 255) for factor in factors)
    eighths = np.arange(256) * 8
    centred = eighths - 8 * black, *[eighths - 8 * 128] * 4
    pairs = zip(centred, (scale, *factors), strict=True)
    return tuple((part * ((factor + 4) >> 3) >> 16).astype(np.int16) for part, factor in pairs)
