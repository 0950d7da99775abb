"""When each frame was taken, by the attribute that deserves most trust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import numbers

# Slower or faster is no echocardiogram but another unit, or an empty field's default.
_LEAST_FPS, _MOST_FPS = 0.1, 1000.0
_FRAME_TIME = 0x00181063


@dataclass(frozen=True)
class Timing:
    """When frames were taken."""

    seconds: NDArray[np.float64]
    """`(T,)`, from the first of these frames."""
    fps: float | None
    """None where the file gives none; the seconds are NaN then."""
    source: str
    """The attribute's name, or `unknown`."""


@dataclass(frozen=True)
class Numbering:
    """Which frames of a file were decoded."""

    indices: NDArray[np.int64]
    """`(T,)` their numbers in the file, from 0: some may be lost."""
    found: int
    """Frames in the file, with the lost ones among them."""
    claimed: int | None
    """NumberOfFrames."""


def read_timing(dataset: Dataset, frames: Numbering) -> Timing:
    """Their time stamps, by the first of these attributes that makes sense.

    What FrameIncrementPointer points at, which is FrameTime or FrameTimeVector (ms from frame to
    frame; PS3.3, C.7.6.5 and C.7.6.6); without a pointer, or where it points elsewhere, the vector
    before the one number; RecommendedDisplayFrameRate and CineRate, which are advice for display
    (C.7.6.5); EffectiveDuration, which may count pauses in (C.7.6.5).
    """
    ways = [_by_vector, _by_frame_time]
    if _FRAME_TIME in numbers(dataset, "FrameIncrementPointer"):
        ways.reverse()
    for way in (*ways, _by_recommended_rate, _by_cine_rate, _by_duration):
        timing = way(dataset, frames) if frames.found > 1 else None
        if timing and timing.fps and _LEAST_FPS <= timing.fps <= _MOST_FPS:
            return timing
    return Timing(np.full(len(frames.indices), np.nan), None, "unknown")


def _by_vector(dataset: Dataset, frames: Numbering) -> Timing | None:
    steps = numbers(dataset, "FrameTimeVector")[: frames.found] / 1000
    if len(steps) < frames.found or not np.all(steps[1:] > 0):
        return None
    seconds = np.cumsum(steps)
    fps = (frames.found - 1) / float(seconds[-1] - seconds[0])
    kept = seconds[frames.indices]
    return Timing(kept - kept[0], fps, "FrameTimeVector")


def _by_frame_time(dataset: Dataset, frames: Numbering) -> Timing | None:
    step = _positive(dataset, "FrameTime")
    return _even(1000 / step, "FrameTime", frames) if step else None


def _by_recommended_rate(dataset: Dataset, frames: Numbering) -> Timing | None:
    rate = _positive(dataset, "RecommendedDisplayFrameRate")
    return _even(rate, "RecommendedDisplayFrameRate", frames) if rate else None


def _by_cine_rate(dataset: Dataset, frames: Numbering) -> Timing | None:
    rate = _positive(dataset, "CineRate")
    return _even(rate, "CineRate", frames) if rate else None


def _by_duration(dataset: Dataset, frames: Numbering) -> Timing | None:
    duration = _positive(dataset, "EffectiveDuration")  # in s, of all frames
    count = frames.claimed or frames.found
    return _even(count / duration, "EffectiveDuration", frames) if duration else None


def _even(fps: float, source: str, frames: Numbering) -> Timing:
    return Timing((frames.indices - frames.indices[0]) / fps, fps, source)


def _positive(dataset: Dataset, name: str) -> float | None:
    values = numbers(dataset, name)
    return float(values[0]) if len(values) == 1 and values[0] > 0 else None
