"""Converting frames of any size to the normalised video that clips are cut from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.preprocess.spec import PreprocessSpec

IN_CACHE = 8
"""Frames whose colours are separated at once: those of a whole video leave the processor's cache,
and new memory for them takes longer than the work."""


def fit_frames(frames: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.uint8]:
    """Crop and resize frames: `(T, H, W, 3) uint8` -> `(T, size, size, 3) uint8`.

    Frames of the right size are returned unchanged. Others are cropped to the central square,
    since squashing would distort the anatomy, and resized with cubic interpolation, as
    EchoNet-Dynamic's frames were.
    """
    _, height, width, _ = frames.shape
    size = spec.size
    if (height, width) == (size, size):
        return frames
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = frames[:, top : top + side, left : left + side]
    out = np.empty((len(frames), size, size, 3), np.uint8)
    for source, target in zip(square, out, strict=True):
        # Copied, because cv2.resize needs contiguous rows.
        cv2.resize(
            np.ascontiguousarray(source), (size, size), dst=target, interpolation=cv2.INTER_CUBIC
        )
    return out


def normalise(frames: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """Normalise to `(value - mean) / std`: `(T, S, S, 3) uint8` -> `(3, T, S, S) float32`.

    The 256 possible results are computed once per channel, in float32 as in the published code,
    and then looked up: the same bits, several times as fast.
    """
    mean = np.asarray(spec.mean, np.float32)
    std = np.asarray(spec.std, np.float32)
    tables = (np.arange(256, dtype=np.float32)[None, :] - mean[:, None]) / std[:, None]
    video = np.empty((3, *frames.shape[:3]), np.float32)
    for first in range(0, len(frames), IN_CACHE):
        some = slice(first, first + IN_CACHE)
        planes = cv2.split(frames[some].reshape(-1, frames.shape[2], 3))
        for plane, table, target in zip(planes, tables, video[:, some], strict=True):
            cv2.LUT(plane, table, target.reshape(plane.shape))
    return video


def pad_short(video: NDArray[np.float32], spec: PreprocessSpec) -> NDArray[np.float32]:
    """Append zeros to a video of fewer than `frames * period` frames, as published.

    `(3, T, S, S)` -> `(3, max(T, frames * period), S, S)`. After normalisation, zeros are the
    training set's mean grey. With 32x2 clips, a video of 63 frames would fill a clip without
    padding; the published code still pads it to 64, which gives a second clip that ends in one
    padded frame.
    """
    _, count, *shape = video.shape
    if count >= (least := spec.frames * spec.period):
        return video
    padded = np.empty((3, least, *shape), np.float32)
    padded[:, :count], padded[:, count:] = video, 0
    return padded
