"""Whether the frames of a video follow each other as a scanner records them.

All but the arrow of time is read from the distances of all pairs of frames, in which each of these
leaves a trace: frames in another order, to and fro, made of their neighbours, or repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.preprocess import repeated_frames, squared_distances
from edgeecho.trust.picture import Floats

# More frames add little, and cost time with their square.
_MOST_FRAMES = 400
# With fewer pictures there is no telling, and a comb is not told from chance.
_LEAST_PICTURES = 24
_LEAST_COMBED = 64
# Frames on either side of a moment that is tested for a turn; the first pair is adjacent, or
# shares a neighbour, and so is alike in any video.
_AROUND = 5
# Slow changes are the heart's; only those above this frequency, in cycles a frame, are a comb.
_SLOWEST_COMB = 0.12
_NO_COMB = 0.05
# Of the pictures' changes: those of the chambers and the valves.
_DIRECTIONS = 4
# Frames apart and seconds apart at which the past is compared with the future.
_APART = (1, 2, 4)
_APART_S = (0.04, 0.08, 0.12, 0.2)
_LEAST = 1e-6


@dataclass(frozen=True, eq=False)
class TimeSignals:
    """Measurements of the order of the decoded frames, without those that are repeated."""

    disorder: float
    """Share of frames that are more like the third after them than like the next, 0 to 1."""
    turn: float
    """Least distance of frames at equal times before and after some moment, as a multiple of that
    of successive frames there: squares, mean over a few frames. 0 if the video turns back."""
    comb: float
    """Share of the fast changes of frames' distance from the mean of their neighbours that is of
    one frequency, 0 to 1: frames made of others recur at some rate."""
    jump: float
    """Greatest step from a frame to the next, as a multiple of the usual distance from the mean
    picture; both along the four directions in which the pictures differ most, so without noise."""
    arrow: Floats
    """`(10,)` asymmetries in time, each -1 to 1. Where grey falls twice in a row, at 1, 2 and 4
    frames: whether it falls more at first, as persistence makes it; the same where it rises. At
    0.04, 0.08, 0.12 and 0.2 s: whether motion sets in faster than it ends."""

    @property
    def reversed_arrow(self) -> Floats:
        """That of the same video played backwards: what fell, rises, and last is first."""
        falls, rises, onset = np.split(self.arrow, [len(_APART), 2 * len(_APART)])
        return -np.concatenate([rises, falls, onset])

    @classmethod
    def of(
        cls, frames: NDArray[np.uint8], fps: float | None, squared: Floats | None = None
    ) -> TimeSignals | None:
        """Measure `(T, S, S, 3)` decoded frames; None if they are too few or `fps` is unknown.

        `squared`: their `squared_distances`, if they are known.
        """
        if fps is None:
            return None
        some = frames[:_MOST_FRAMES]
        all_pairs = squared_distances(some) if squared is None else squared
        squared = all_pairs[: len(some), : len(some)]
        kept = np.setdiff1d(np.arange(len(some)), repeated_frames(squared))
        if len(kept) < _LEAST_PICTURES:
            return None
        squared = squared[np.ix_(kept, kept)]
        return cls(
            disorder=float(np.mean(_apart(squared, 1)[:-2] > _apart(squared, 3))),
            turn=_turn(squared),
            comb=_comb(squared),
            jump=_jump(squared),
            arrow=np.array([*_settling(some[kept]), *_onset(squared, fps)], np.float32),
        )


def _apart(squared: Floats, lag: int) -> Floats:
    return np.diagonal(squared, lag)


def _turn(squared: Floats) -> float:
    """The mirror is a frame, or lies between two."""
    steps = _apart(squared, 1)
    away = np.arange(2, _AROUND + 1)
    found = []
    for between in (0, 1):
        centres = np.arange(_AROUND, len(squared) - _AROUND - between)[:, None]
        across = squared[centres - away, centres + away + between].mean(axis=1)
        along = steps[centres + np.arange(-_AROUND, _AROUND + between)].mean(axis=1)
        found.append((across / np.maximum(along, _LEAST)).min())
    return float(min(found))


def _comb(squared: Floats) -> float:
    """By the parallelogram law, distances alone say how far a frame is from its neighbours' mean.

    That is mostly noise. A mean of two frames has half the noise, and lies near them besides. 0 for
    few frames.
    """
    if len(squared) < _LEAST_COMBED:
        return 0.0
    step, across = _apart(squared, 1), _apart(squared, 2)
    bend = np.log(np.maximum((step[1:] + step[:-1]) / 2 - across / 4, _LEAST))
    fast = bend - np.convolve(np.pad(bend, 2, "edge"), np.full(5, 0.2), "valid")
    power = np.square(np.abs(np.fft.rfft(fast * np.hanning(len(fast)))))
    frequency = np.fft.rfftfreq(len(fast))
    all_fast = power[frequency > _NO_COMB].sum()
    return float(power[frequency > _SLOWEST_COMB].max() / max(all_fast, _LEAST))


def _jump(squared: Floats) -> float:
    """From distances to places along the main directions, by subspace iteration."""
    centred = squared - squared.mean(axis=0)
    products = -0.5 * (centred - centred.mean(axis=1, keepdims=True))
    some = products[:, np.linspace(0, len(products) - 1, 2 * _DIRECTIONS).astype(int)]
    for _ in range(2):
        some = products @ np.linalg.qr(some)[0]
    basis = np.linalg.qr(some)[0]
    variances, directions = np.linalg.eigh(basis.T @ products @ basis)
    scale = np.sqrt(np.maximum(variances[-_DIRECTIONS:], 0))
    places = basis @ directions[:, -_DIRECTIONS:] * scale
    usual = np.sqrt(np.square(places).sum(axis=1).mean())
    return float(np.linalg.norm(np.diff(places, axis=0), axis=1).max() / max(usual, _LEAST))


def _settling(frames: NDArray[np.uint8]) -> list[float]:
    """Where grey falls twice in a row, then where it rises: whether it changes more at first."""
    grey = frames[:, ::3, ::3, 1].astype(np.float32)
    falls: list[float] = []
    rises: list[float] = []
    for lag in _APART:
        change = grey[lag:] - grey[:-lag]
        for found, part in ((falls, np.maximum(-change, 0)), (rises, np.maximum(change, 0))):
            found.append(_asymmetry(part[:-lag], part[lag:]))
    return [*falls, *rises]


def _onset(squared: Floats, fps: float) -> list[float]:
    """Whether the pictures change the more slowly the later; what noise changes is left out."""
    speed = np.sqrt(_apart(squared, 2))
    speed = np.maximum(speed - np.percentile(speed, 5), 0)
    lags = [max(round(seconds * fps), 1) for seconds in _APART_S]
    return [_asymmetry(speed[:-lag], speed[lag:]) for lag in lags]


def _asymmetry(before: Floats, after: Floats) -> float:
    product = before * after
    first, second = float(np.vdot(product, before)), float(np.vdot(product, after))
    return (first - second) / max(first + second, _LEAST)
