"""Repeated frames, odd frames and heart rate, measured from the pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Frames whose distance is at most this share of the usual one show the same picture.
_REPEATED = 0.02
# A frame is odd if it is this many times further from its two neighbours than they are from each
# other. On 200 phantoms and one real cine, undamaged frames stayed below 1.4; frames with a grey
# lower half had 2.2 or more.
_ODD = 2.0
_SLOWEST_BPM, _FASTEST_BPM = 35.0, 200.0
# A period is accepted if frames that far apart are clearly more alike than others: the depth of the
# dip in the mean distance, as a share of the height before it. On 120 phantoms and one real cine,
# true periods had 0.10 to 0.8; without a beat it stayed below 0.02.
_LEAST_DIP = 0.08
# Of several dips (at one, two, three beats) take the first that is nearly as deep as the deepest.
_NEARLY = 0.6
# All pairs of this many frames are compared: 20 s at 50 frames/s.
_MOST_FRAMES = 1000

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Motion:
    """What the motion of the frames shows."""

    repeated: tuple[int, ...]
    """Frames that show the same picture as the frame before them."""
    odd: tuple[int, ...]
    """Single frames that resemble neither neighbour while these resemble each other: damage that
    a decoder concealed, or a picture from elsewhere."""
    heart_rate_bpm: float | None
    """Beats per minute; None if the frame rate is unknown or nothing is periodic."""


def find_motion(frames: NDArray[np.uint8], fps: float | None) -> Motion:
    """Measure the motion of frames `(T, S, S, 3)`; `fps` in frames/s, if known."""
    return motion_of(squared_distances(frames), fps)


def motion_of(squared: Floats, fps: float | None) -> Motion:
    """The same from the frames' distances."""
    repeated, odd = repeated_frames(squared), _odd(squared)
    rate = None if fps is None else _heart_rate(squared, fps)
    return Motion(tuple(repeated.tolist()), tuple(odd.tolist()), rate)


def squared_distances(frames: NDArray[np.uint8]) -> Floats:
    """Squared Euclidean distances `(T, T)` of frames `(T, S, S, 3)`, the first 1000 of them.

    They are those of the green pixels in every third row and column. Sums of whole numbers are
    exact in double precision, so they do not depend on the number of threads.
    """
    some = frames[:_MOST_FRAMES]
    pixels = some[:, ::3, ::3, 1].reshape(len(some), -1).astype(np.float64)
    products = pixels @ pixels.T
    squares = np.diagonal(products)
    return np.asarray(squares[:, None] + squares[None, :] - 2 * products, np.float32)


def repeated_frames(squared: Floats) -> NDArray[np.intp]:
    """Numbers of the frames that show the same picture as that before them."""
    step = np.sqrt(np.diagonal(squared, 1))
    moving = step[step > _REPEATED * step.max(initial=0)]
    # Where most frames are repeated, the median of all steps is that of rounding.
    usual = float(np.median(moving)) if len(moving) else 0.0
    return np.flatnonzero(step <= _REPEATED * usual) + 1


def _odd(squared: Floats) -> NDArray[np.intp]:
    step, across = (np.sqrt(np.diagonal(squared, lag)) for lag in (1, 2))
    if len(step) < 2:
        return np.zeros(0, np.intp)
    # Distances to the two nearest frames, and between these. At the ends both are on one side,
    # and a wall that begins to move separates a frame from both: hence the factor.
    one = np.concatenate([step[:1], step])
    other = np.concatenate([across[:1], step[1:], across[-1:]])
    apart = np.concatenate([step[1:2], across, step[-2:-1]])
    apart = np.maximum(apart, np.median(step))
    apart[[0, -1]] *= 1.5
    return np.flatnonzero(np.minimum(one, other) > _ODD * apart)


def _heart_rate(squared: Floats, fps: float) -> float | None:
    """Heart rate in beats/min, from the lag at which frames are most alike again.

    The mean squared distance of frames `lag` apart rises from zero and dips where `lag` is a whole
    beat. A parabola through the dip refines the lag.
    """
    count = len(squared)
    first = max(2, int(np.ceil(fps * 60 / _FASTEST_BPM)))
    last = int(min(fps * 60 / _SLOWEST_BPM, count * 0.8))
    if last <= first:
        return None
    curve = np.array([squared.trace(lag) / (count - lag) for lag in range(last + 1)])
    dips = [
        (lag, _depth(curve, lag))
        for lag in range(first, last)
        if curve[lag] <= curve[lag - 1] and curve[lag] < curve[lag + 1]
    ]
    deepest = max((depth for _, depth in dips), default=0.0)
    if deepest < _LEAST_DIP:
        return None
    lag = next(lag for lag, depth in dips if depth >= _NEARLY * deepest)
    before, here, after = curve[lag - 1 : lag + 2]
    refined = lag + 0.5 * (before - after) / (before - 2 * here + after)
    return float(60 * fps / refined)


def _depth(curve: Floats, lag: int) -> float:
    before, after = curve[:lag].max(), curve[lag:].max()
    return float((min(before, after) - curve[lag]) / max(before, 1e-9))
