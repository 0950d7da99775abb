"""Frame times of a DICOM file: which attribute decides, and whether the others agree.

FrameIncrementPointer names the attribute that decides (PS3.3, C.7.6.6). Without it, or if that
attribute is missing, the order is: FrameTimeVector and FrameTime (ms from frame to frame; C.7.6.5
and C.7.6.6); RecommendedDisplayFrameRate and CineRate, which are advice for display (C.7.6.5);
EffectiveDuration; and the rate that a video stream inside the file states.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from edgeecho.cine.dicom.attributes import decimals, pointed
from edgeecho.cine.types import RATES_AGREE

# A rate outside these limits is in another unit, or the default of an empty field.
_LEAST_FPS, _MOST_FPS = 0.1, 1000.0


@dataclass(frozen=True)
class Timing:
    """Times of the decoded frames."""

    seconds: NDArray[np.float64]
    """`(T,)` in s from the first of these frames; NaN if unknown."""
    fps: float | None = None
    """Frames per second; None if unknown."""
    source: str = "unknown"
    """The deciding attribute's keyword."""
    notes: tuple[str, ...] = ()
    """Which attribute could not be used, why, and what was taken instead."""
    doubt: str | None = None
    """Two contradictory statements: the rate may be wrong."""


@dataclass(frozen=True)
class Numbering:
    """Which frames of a file were decoded."""

    indices: NDArray[np.int64]
    """`(T,)` numbers of the decoded frames in the file, from 0; lost ones are missing."""
    found: int
    """Frames in the file, lost ones included."""
    claimed: int | None
    """NumberOfFrames."""

    def at(self, fps: float) -> NDArray[np.float64]:
        """Times `(T,)` in s at a constant rate."""
        return np.asarray((self.indices - self.indices[0]) / fps, np.float64)


@dataclass(frozen=True)
class Statement:
    """What one attribute states about the frame rate."""

    source: str
    """The attribute's keyword."""
    fps: float | None
    """Frames per second; None if it is unreadable. If `fault` is set, this is only a hint."""
    seconds: NDArray[np.float64] | None = None
    """`(T,)` in s from the first decoded frame; None if the attribute cannot be used."""
    fault: str = ""
    """Why it cannot be used, in words that quote only numbers of the file."""
    rounded: bool = False
    """Whether it is too coarse to contradict another attribute."""
    usual_fps: float | None = None
    """The median rate, where frame times are uneven, such as around a pause."""

    def agrees(self, other: Statement) -> bool:
        """Whether both have a rate in common, or one of them has none."""
        mine, others = (
            [rate for rate in (one.fps, one.usual_fps) if rate] for one in (self, other)
        )
        ratios = [max(a / b, b / a) for a in mine for b in others]
        return not ratios or min(ratios) <= RATES_AGREE


def read_timing(dataset: Dataset, frames: Numbering, stream: Statement | None = None) -> Timing:
    """Times of the decoded frames; `stream` is what a video stream inside the file states."""
    unknown = np.full(len(frames.indices), np.nan)
    if frames.found < 2:
        return Timing(unknown)
    ruling = [key for key in pointed(dataset, "FrameIncrementPointer") if key in _READERS]
    order = sorted(_READERS, key=lambda keyword: keyword not in ruling)
    said = [found for key in order if (found := _READERS[key](dataset, frames)) is not None]
    said += [stream] if stream else []
    usable = sorted((one for one in said if one.seconds is not None), key=lambda one: one.rounded)
    chosen = usable[0] if usable else None
    notes = [
        f"{key}, which FrameIncrementPointer names, is not there"
        for key in ruling
        if key not in {one.source for one in said}
    ]
    before = [one for one in (said[: said.index(chosen)] if chosen else said) if one.fault]
    notes += [f"{one.source} cannot be used ({one.fault})" for one in before]
    if chosen is None or chosen.seconds is None:
        return Timing(unknown, notes=tuple(notes))
    notes = [f"{note}: the frame rate is that of {chosen.source}" for note in notes]
    if chosen.rounded:
        notes.append(f"{chosen.source} is in whole seconds, so the frame rate may be far off")
    return Timing(
        chosen.seconds,
        chosen.fps,
        chosen.source,
        notes=tuple(notes),
        doubt=_contradiction(chosen, before, said),
    )


def _contradiction(chosen: Statement, before: list[Statement], said: list[Statement]) -> str | None:
    """A contradiction by a usable attribute, or by the readable part of one with precedence."""
    for other in said:
        if other is chosen or not (other in before or other.seconds is not None):
            continue
        if not chosen.rounded and not other.rounded and not other.agrees(chosen):
            about = f"({other.fault}) about " if other.fault else ""
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
    # The first value belongs to the first frame, which no step precedes.
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
    usual = 1 / float(np.median(steps[1:]))
    return Statement(key, fps, kept - kept[0], usual_fps=usual)


def _one_number(
    key: str, to_fps: Callable[[float, Numbering], float], *, coarse: bool = False
) -> Callable[[Dataset, Numbering], Statement | None]:
    """A reader of a single-valued attribute; with `coarse`, whole numbers count as rounded."""

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
"""Readers by keyword, in order of precedence."""
