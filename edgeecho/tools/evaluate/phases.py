"""Masks and detected moments against the tracings, at end diastole and at end systole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.bootstrap import (
    RESAMPLES,
    SEED,
    Measured,
    bootstrap_mean,
    measured,
    resample,
)
from edgeecho.tools.evaluate.masks import TracedFrame

Floats = NDArray[np.float64]
Frames = Sequence[Sequence[TracedFrame]]
"""For each video, one traced frame or both."""


@dataclass(frozen=True)
class SizeError:
    """Error of areas or volumes, in % of the tracing's."""

    bias: float
    mae: Measured

    @classmethod
    def of(cls, errors: Floats) -> SizeError:
        """Compute from the errors `(videos, frames)`; resampled are the videos."""
        return cls(float(errors.mean()), bootstrap_mean(np.abs(errors).mean(axis=1)))


@dataclass(frozen=True)
class Distance:
    """From traced frames to the nearest that was detected; positive if that is later."""

    bias: float | None
    """Mean, where one was detected; None if none was."""
    median: float | None
    """Median of the absolute distance. Where none was detected, it counts as infinite; None if the
    median is."""
    p90: float | None
    """The 90th percentile, in the same way."""

    @classmethod
    def of(cls, distances: Sequence[float | None]) -> Distance:
        """Compute from signed distances, None where none was detected."""
        found = [distance for distance in distances if distance is not None]
        away = [np.inf if distance is None else abs(distance) for distance in distances]
        # An observed value, never one between a number and infinity.
        median, p90 = (float(v) for v in np.percentile(away, (50, 90), method="higher"))
        return cls(
            bias=float(np.mean(found)) if found else None,
            median=median if np.isfinite(median) else None,
            p90=p90 if np.isfinite(p90) else None,
        )


@dataclass(frozen=True)
class Phase:
    """The traced frames of end diastole, of end systole or of both."""

    name: str
    """`ED`, `ES` or `both`."""
    videos: int
    dice: Measured
    """Over all pixels of all frames, as published; resampled are the videos."""
    area: SizeError
    volume: SizeError
    undetected: int
    """Number of frames in whose videos no such moment was detected."""
    frames: Distance
    """In frames of the file."""
    ms: Distance

    @classmethod
    def of(cls, name: str, frames: Frames) -> Phase:
        """Compute from the traced frames."""
        every = [frame for video in frames for frame in video]
        return cls(
            name=name,
            videos=len(frames),
            dice=_dice(frames),
            area=SizeError.of(np.array([[f.area for f in video] for video in frames])),
            volume=SizeError.of(np.array([[f.volume for f in video] for video in frames])),
            undetected=sum(frame.late is None for frame in every),
            frames=Distance.of([frame.late for frame in every]),
            ms=Distance.of([frame.late_ms for frame in every]),
        )


def phases_of(pairs: Sequence[tuple[TracedFrame, TracedFrame]]) -> tuple[Phase, ...]:
    """ED, ES and both, from the two traced frames of each video; empty without a video."""
    if not pairs:
        return ()
    return (
        Phase.of("ED", [(ed,) for ed, _ in pairs]),
        Phase.of("ES", [(es,) for _, es in pairs]),
        Phase.of("both", pairs),
    )


def _dice(frames: Frames) -> Measured:
    sums = np.array(
        [
            [sum(f.common for f in v), sum(f.pixels + f.traced_pixels for f in v)]
            for v in frames
        ],
        np.float64,
    )  # fmt: skip
    drawn = np.concatenate([counts @ sums for counts in resample(len(sums), RESAMPLES, SEED)])
    common, pixels = sums.sum(axis=0)
    return measured(float(2 * common / pixels), 2 * drawn[:, 0] / drawn[:, 1])
