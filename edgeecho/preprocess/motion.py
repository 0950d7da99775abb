"""What moves, and how: repeated frames, odd frames, heart rate. From the pixels alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Two frames this much nearer to each other than frames usually are show the same picture.
_REPEATED = 0.02
# A frame this much further from its two nearest than they are from each other fits neither.
# On 200 phantoms and one real cine sound frames stayed below 1.4; a lower half that was painted
# grey gave 2.2 or more.
_ODD = 2.0
_SLOWEST_BPM, _FASTEST_BPM = 35.0, 200.0
# A period is believed where frames that far apart are clearly more alike than others: the dip
# in the mean distance, as a share of the height before it. On 120 phantoms and one real cine
# true periods had 0.10 to 0.8; without a beat it stayed below 0.02.
_LEAST_DIP = 0.08
# Of several dips (one, two, three beats) the first that is nearly as deep as the deepest.
_NEARLY = 0.6
# The distances of all pairs of so many frames are looked at: 20 s at 50 frames/s.
_MOST_FRAMES = 1000

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Motion:
    """What the frames of a video say about its time."""

    repeated: tuple[int, ...]
    """Frames that show the same picture as the frame before them."""
    odd: tuple[int, ...]
    """Single frames that resemble neither neighbour while these resemble each other: damage that
    a decoder painted over, or a picture that does not belong here."""
    heart_rate_bpm: float | None
    """Beats per minute; None where the rate of the frames is unknown or nothing repeats."""


def find_motion(frames: NDArray[np.uint8], fps: float | None) -> Motion:
    """Look at frames `(T, S, S, 3)`; `fps` in frames/s, where known."""
    squared = _squared_distances(frames[:_MOST_FRAMES])
    repeated, odd = _repeated_and_odd(squared)
    rate = None if fps is None else _heart_rate(squared, fps)
    return Motion(repeated, odd, rate)


def _squared_distances(frames: NDArray[np.uint8]) -> Floats:
    """`(T, T)` squared Euclidean distances of green pixels, every third row and column."""
    pixels = frames[:, ::3, ::3, 1].reshape(len(frames), -1).astype(np.float32)
    pixels -= pixels.mean(axis=0)
    products = pixels @ pixels.T
    squares = np.diagonal(products)
    distances: Floats = np.maximum(squares[:, None] + squares[None, :] - 2 * products, 0)
    return distances


def _repeated_and_odd(squared: Floats) -> tuple[tuple[int, ...], tuple[int, ...]]:
    step, across = (np.sqrt(np.diagonal(squared, lag)) for lag in (1, 2))
    usual = float(np.median(step)) if len(step) else 0.0
    repeated = np.flatnonzero(step <= _REPEATED * usual) + 1
    if len(step) < 2:
        return tuple(repeated.tolist()), ()
    # The two nearest frames, and how far apart these are. At the ends both lie on one side, where
    # a wall that begins to move takes a frame away from both.
    one = np.concatenate([step[:1], step])
    other = np.concatenate([across[:1], step[1:], across[-1:]])
    apart = np.maximum(np.concatenate([step[1:2], across, step[-2:-1]]), usual)
    apart[[0, -1]] *= 1.5
    odd = np.flatnonzero(np.minimum(one, other) > _ODD * apart)
    return tuple(repeated.tolist()), tuple(odd.tolist())


def _heart_rate(squared: Floats, fps: float) -> float | None:
    """The lag at which frames are most alike again, as beats per minute.

    The mean squared distance of frames `lag` apart rises from zero, and dips where `lag` is a
    whole beat. The lag is refined by a parabola through the dip.
    """
    count = len(squared)
    first = max(2, int(np.ceil(fps * 60 / _FASTEST_BPM)))
    last = int(min(fps * 60 / _SLOWEST_BPM, count * 0.8))
    if last <= first:
        return None
    curve = np.array([np.diagonal(squared, lag).mean() for lag in range(last + 1)])
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
    bend = before - 2 * here + after
    refined = lag + (0.5 * (before - after) / bend if bend > 0 else 0.0)
    return float(60 * fps / refined)


def _depth(curve: Floats, lag: int) -> float:
    before, after = curve[1:lag].max(), curve[lag + 1 :].max()
    return float((min(before, after) - curve[lag]) / max(before, 1e-9))
