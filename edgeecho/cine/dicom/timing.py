"""When each frame was taken: which attribute says so, and whether the others agree.

FrameIncrementPointer names the attribute that rules (PS3.3, C.7.6.6). Without it, or where what
it names is not there, the order is: FrameTimeVector and FrameTime (ms from frame to frame; C.7.6.5
and C.7.6.6); RecommendedDisplayFrameRate and CineRate, which are advice for display (C.7.6.5);
EffectiveDuration; and the rate that a video stream inside the file says of itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import decimals, numbers

# Slower or faster is no echocardiogram but another unit, or an empty field's default.
_LEAST_FPS, _MOST_FPS = 0.1, 1000.0
# Two statements of a clip's duration that differ by more contradict each other.
_AGREE = 1.1


@dataclass(frozen=True)
class Timing:
    """When frames were taken."""

    seconds: NDArray[np.float64]
    """`(T,)`, from the first of these frames; NaN where nothing says it."""
    fps: float | None = None
    """None where nothing says it."""
    source: str = "unknown"
    """The attribute's name."""
    notes: tuple[str, ...] = ()
    """Which attribute could not be used, why, and what was taken instead."""
    doubt: str | None = None
    """Two statements that contradict each other: the rate may be wrong."""


@dataclass(frozen=True)
class Numbering:
    """Which frames of a file were decoded."""

    indices: NDArray[np.int64]
    """`(T,)` their numbers in the file, from 0: some may be lost."""
    found: int
    """Frames in the file, with the lost ones among them."""
    claimed: int | None
    """NumberOfFrames."""

    def at(self, fps: float) -> NDArray[np.float64]:
        """`(T,)` seconds at a constant rate."""
        return np.asarray((self.indices - self.indices[0]) / fps, np.float64)


@dataclass(frozen=True)
class Statement:
    """What one attribute says of the frame rate."""

    source: str
    """Its keyword."""
    fps: float | None
    """None: it says nothing that could be read. Where `fault` is set, a hint and no more."""
    seconds: NDArray[np.float64] | None = None
    """`(T,)` from the first of the decoded frames; None: it cannot be used."""
    fault: str = ""
    """Why it cannot be used, in words that quote nothing of the file but numbers."""
    rounded: bool = False
    """Too coarse to contradict another one."""


def read_timing(dataset: Dataset, frames: Numbering, stream: Statement | None = None) -> Timing:
    """Times of the decoded frames; `stream`: what a video stream inside the file says of itself."""
    unknown = np.full(len(frames.indices), np.nan)
    if frames.found < 2:
        return Timing(unknown)
    pointed = _pointed(dataset)
    order = sorted(_READERS, key=lambda keyword: keyword not in pointed)
    said = [found for key in order if (found := _READERS[key](dataset, frames)) is not None]
    said += [stream] if stream else []
    chosen = next((one for one in said if one.seconds is not None), None)
    notes = [
        f"{key}, which FrameIncrementPointer names, is not there"
        for key in pointed
        if key not in {one.source for one in said}
    ]
    before = said[: said.index(chosen)] if chosen else said
    notes += [f"{one.source} cannot be used ({one.fault})" for one in before]
    if chosen is None or chosen.seconds is None:
        return Timing(unknown, notes=tuple(notes))
    return Timing(
        chosen.seconds,
        chosen.fps,
        chosen.source,
        notes=tuple(f"{note}: the frame rate is that of {chosen.source}" for note in notes),
        doubt=_contradiction(chosen, before, said),
    )


def _pointed(dataset: Dataset) -> list[str]:
    tags = numbers(dataset, "FrameIncrementPointer").astype(np.int64).tolist()
    return [key for key in map(keyword_for_tag, tags) if key in _READERS]


def _contradiction(chosen: Statement, before: list[Statement], said: list[Statement]) -> str | None:
    """Another usable attribute, or what can be read of one that should have ruled."""
    for other in said:
        usable = other.seconds is not None
        if other is chosen or other.rounded or chosen.fps is None or other.fps is None:
            continue
        if not usable and other not in before:
            continue
        if max(other.fps / chosen.fps, chosen.fps / other.fps) > _AGREE:
            about = "" if usable else f"({other.fault}) about "
            return (
                f"{chosen.source} says {chosen.fps:.1f} frames/s, "
                f"{other.source} {about}{other.fps:.1f}"
            )
    return None


def _frame_time_vector(dataset: Dataset, frames: Numbering) -> Statement | None:
    key = "FrameTimeVector"
    steps = decimals(dataset, key) / 1000
    if not len(steps):
        return None
    # The first value is no step: it stands for what lies before the first frame.
    readable = steps[1:][np.isfinite(steps[1:]) & (steps[1:] > 0)]
    hint = _plausible(1 / float(readable.mean())) if len(readable) else None
    wanted = frames.claimed or frames.found
    if len(steps) < frames.found or len(steps) not in (wanted, frames.found):
        return Statement(key, hint, fault=f"{len(steps)} values for {wanted} frames")
    steps = steps[: frames.found]
    if not np.isfinite(steps[1:]).all():
        return Statement(key, hint, fault="not all of it are numbers")
    if not np.all(steps[1:] > 0):
        return Statement(key, hint, fault="not every step is above zero")
    seconds = np.cumsum(np.concatenate([[0.0], steps[1:]]))
    fps = (frames.found - 1) / float(seconds[-1])
    if _plausible(fps) is None:
        return Statement(key, None, fault=f"it says {fps:g} frames/s")
    kept = seconds[frames.indices]
    return Statement(key, fps, kept - kept[0])


def _one_number(
    key: str, to_fps: Callable[[float, Numbering], float], *, coarse: bool = False
) -> Callable[[Dataset, Numbering], Statement | None]:
    """Reads an attribute of a single value; `coarse`: whole numbers are held to be rounded."""

    def read(dataset: Dataset, frames: Numbering) -> Statement | None:
        values = decimals(dataset, key)
        if not len(values):
            return None
        value = float(values[0])
        fps = _plausible(to_fps(value, frames)) if np.isfinite(value) and value > 0 else None
        if len(values) > 1:
            return Statement(key, fps, fault=f"{len(values)} values instead of one")
        if not np.isfinite(value):
            return Statement(key, None, fault="no number")
        if fps is None:
            return Statement(key, None, fault=f"it says {value:g}")
        return Statement(key, fps, frames.at(fps), rounded=coarse and value.is_integer())

    return read


def _plausible(fps: float) -> float | None:
    return fps if _LEAST_FPS <= fps <= _MOST_FPS else None


_READERS: Mapping[str, Callable[[Dataset, Numbering], Statement | None]] = {
    "FrameTimeVector": _frame_time_vector,
    "FrameTime": _one_number("FrameTime", lambda ms, _: 1000 / ms),
    "RecommendedDisplayFrameRate": _one_number("RecommendedDisplayFrameRate", lambda fps, _: fps),
    "CineRate": _one_number("CineRate", lambda fps, _: fps),
    "EffectiveDuration": _one_number(
        "EffectiveDuration", lambda s, frames: (frames.claimed or frames.found) / s, coarse=True
    ),
}
"""In the order of trust."""
