"""What is true of every frame: emptied share, volume, contour, mask and tracing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.world import Tracing
from edgeecho_train.speckle.drawing import Drawn
from edgeecho_train.speckle.rhythm import Beat, emptied
from edgeecho_train.speckle.ventricle import Contour, contour

Floats = NDArray[np.float64]

_HALF_STEP_S = 0.004
_SAME = 1e-9


@dataclass(frozen=True, eq=False)
class Course:
    """A video over time, in arrays `(T,)`."""

    times_s: Floats
    """When a frame was taken, in s from the first."""
    emptied: Floats
    """0 at the largest volume and 1 at the smallest; both are reached in the video."""
    filling: Floats
    """Emptied shares per second by which the ventricle fills; negative while it ejects."""


def course(video: Drawn) -> Course:
    """How far the ventricle has emptied in every frame.

    Where irregular beats keep the frames from both ends, all beats are taken as full ones.
    """
    times = np.arange(video.frames) / video.fps
    beats = video.beats
    if not _reaches_both(emptied(beats, video.rhythm, video.start_s + times)):
        beats = tuple(replace(beat, begin=0.0, end=1.0) for beat in beats)
    since = video.start_s + times
    return Course(times, emptied(beats, video.rhythm, since), _filling(video, beats, since))


def _reaches_both(shares: Floats) -> bool:
    return bool(shares.min() < _SAME and shares.max() > 1 - _SAME)


def _filling(video: Drawn, beats: tuple[Beat, ...], since: Floats) -> Floats:
    before, after = (
        emptied(beats, video.rhythm, since + step) for step in (-_HALF_STEP_S, _HALF_STEP_S)
    )
    return (before - after) / (2 * _HALF_STEP_S)


def contours(video: Drawn) -> list[Contour]:
    """The endocardium in every frame."""
    shares = course(video).emptied
    return [contour(video.heart.ventricle, video.ef / 100 * share) for share in shares.tolist()]


def end_frames(shares: Floats) -> tuple[int, int]:
    """An end-diastolic and an end-systolic frame, of one beat if possible.

    Each is the last of its plateau, where persistence has settled.
    """
    diastolic, systolic = (
        np.flatnonzero(there & ~np.append(there[1:], False))
        for there in (shares < _SAME, shares > 1 - _SAME)
    )
    pairs = [(d, systolic[systolic > d][0]) for d in diastolic if d < systolic[-1]]
    if not pairs:
        return int(diastolic[0]), int(systolic[0])
    first, second = min(pairs, key=lambda pair: int(pair[1] - pair[0]))
    return int(first), int(second)


def tracings(video: Drawn, count: int, rng: np.random.Generator) -> tuple[Tracing, ...]:
    """End diastole, end systole, then others up to `count`, drawn from all frames."""
    shown = course(video)
    ends = end_frames(shown.emptied)
    others = [frame for frame in rng.permutation(video.frames).tolist() if frame not in ends]

    def traced(frame: int) -> Tracing:
        lost = video.ef / 100 * float(shown.emptied[frame])
        lines = contour(video.heart.ventricle, lost).lines()
        return Tracing(frame, video.view.lines_to_pixels(lines, float(shown.times_s[frame])))

    return tuple(map(traced, (*ends, *others[: count - len(ends)])))


def masks(video: Drawn) -> NDArray[np.bool_]:
    """The left ventricle in every frame, `(T, H, W)`: pixels whose centres lie in the contour."""
    x, z = video.view.pixels()
    filled = np.zeros((video.frames, *x.shape), bool)
    times = course(video).times_s.tolist()
    for mask, outline, time in zip(filled, contours(video), times, strict=True):
        u, w = video.view.to_heart(x, z, time)
        high = (w >= 0) & (w <= outline.length)
        level = w[high] / outline.length
        septal, lateral = outline.side(-1, level), outline.side(1, level)
        mask[high] = (septal <= u[high]) & (u[high] <= lateral)
    return filled
