"""Frames of any size to the normalised video that clips are cut from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.preprocess.spec import PreprocessSpec


def fit_frames(frames: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.uint8]:
    """`(T, H, W, 3) uint8` -> `(T, size, size, 3) uint8`, aspect ratio kept.

    Frames that already have the right size pass through untouched. Others lose what lies
    outside the central square (squashing would distort the anatomy) and are resized with
    cubic interpolation, as EchoNet-Dynamic's frames were.
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
        # A contiguous copy: cv2.resize takes no view whose rows are apart.
        cv2.resize(
            np.ascontiguousarray(source), (size, size), dst=target, interpolation=cv2.INTER_CUBIC
        )
    return out


def normalise(frames: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.float32]:
    """`(T, S, S, 3) uint8` -> `(3, T, S, S) float32`: `(value - mean) / std` per channel.

    A pixel has 256 values, so the 256 results are computed once per channel, in float32 as
    the published code does it, and looked up: the same bits, several times as fast.
    """
    mean = np.asarray(spec.mean, np.float32)
    std = np.asarray(spec.std, np.float32)
    table = (np.arange(256, dtype=np.float32)[None, :] - mean[:, None]) / std[:, None]
    video = np.empty((3, *frames.shape[:3]), np.float32)
    for channel in range(3):
        # mode="clip" skips the bounds check, which no uint8 index into 256 entries can fail.
        np.take(table[channel], frames[..., channel], out=video[channel], mode="clip")
    return video


def pad_short(video: NDArray[np.float32], spec: PreprocessSpec) -> NDArray[np.float32]:
    """Append zeros to a video of fewer than `frames * period` frames, as published.

    `(3, T, S, S)` -> `(3, max(T, frames * period), S, S)`. The zeros are appended after
    normalisation: they are the training set's mean grey. For 32x2 a video of 63 frames would
    fill a clip without padding; the published code pads it to 64 all the same, which gives
    a second clip that ends in one padded frame.
    """
    missing = spec.frames * spec.period - video.shape[1]
    if missing <= 0:
        return video
    return np.pad(video, ((0, 0), (0, missing), (0, 0), (0, 0)))
