"""Videos whose time is wrong: clean ones in another order, at another speed, or with made frames.

Each takes parameters, so that what thresholds are chosen on is not what is reported.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from fault_videos import Frames, Video
from numpy.typing import NDArray


def backwards(video: Video, _: np.random.Generator, *, skip: int = 0) -> Video:
    """Played from its end to its beginning, without the last `skip` frames."""
    return replace(video, frames=video.frames[: len(video.frames) - skip][::-1])


def shuffled(video: Video, rng: np.random.Generator, *, within: int | None = None) -> Video:
    """Frames in another order: all of them, or those of each `within` successive ones."""
    count = len(video.frames)
    width = within or count
    parts = [first + rng.permutation(min(width, count - first)) for first in range(0, count, width)]
    return replace(video, frames=video.frames[np.concatenate(parts)])


def pieces(video: Video, rng: np.random.Generator, *, length: int = 12) -> Video:
    """Cut into pieces of `length` frames, which are put together in another order."""
    starts = rng.permutation(np.arange(0, len(video.frames), length))
    return replace(video, frames=np.concatenate([video.frames[s : s + length] for s in starts]))


def to_and_fro(
    video: Video, rng: np.random.Generator, *, seconds: float | None = 0.32, frames: int = 0
) -> Video:
    """`seconds` or `frames` of it to and fro; without either, all of it there and back."""
    count = len(video.frames)
    few = min(frames or max(round((seconds or 1e9) * video.fps), 4), count)
    start = int(rng.integers(count - few + 1))
    shown = max(count, 2 * few - 1)
    turn = np.abs((np.arange(shown) + few - 1) % (2 * few - 2) - few + 1)
    return replace(video, frames=video.frames[start + turn])


def at_speed(video: Video, _: np.random.Generator, *, speed: float) -> Video:
    """The file names `speed` times its frame rate."""
    return replace(video, fps=video.fps * speed)


def half_frozen(video: Video, rng: np.random.Generator) -> Video:
    """From the middle on, or up to it, one frame stands still."""
    count = len(video.frames)
    places = np.arange(count)
    middle = count // 2
    still = np.minimum(places, middle) if rng.random() < 0.5 else np.maximum(places, middle)
    return replace(video, frames=video.frames[still])


def repeated(video: Video, _: np.random.Generator, *, times: int) -> Video:
    """Each frame is shown `times` times, and those between are missing: the duration stays."""
    count = len(video.frames)
    return replace(video, frames=video.frames[np.arange(count) // times * times])


def interpolated(video: Video, _: np.random.Generator, *, between: int) -> Video:
    """`between` of each `between` + 1 frames are blends of their two neighbours that are not."""
    return replace(video, frames=_at(video.frames, _knots(len(video.frames), between + 1)))


def slowed_smoothly(video: Video, _: np.random.Generator, *, speed: float) -> Video:
    """At `speed` < 1 at the same frame rate, with blends of two frames in between."""
    places = np.arange(0, len(video.frames) - 1 + 1e-9, speed)
    return replace(video, frames=_at(video.frames, [_weights(p) for p in places]))


def converted(video: Video, _: np.random.Generator, *, ratio: float) -> Video:
    """At `ratio` times its frame rate and the same speed, by blends of two frames."""
    places = np.arange(0, len(video.frames) - 1 + 1e-9, 1 / ratio)
    frames = _at(video.frames, [_weights(p) for p in places])
    return replace(video, frames=frames, fps=video.fps * ratio)


def smeared(
    video: Video, rng: np.random.Generator, *, seconds: tuple[float, float] = (0.1, 0.2)
) -> Video:
    """Each frame is the mean of those within some `seconds`: a persistence that is far too high."""
    half = max(round(video.fps * rng.uniform(*seconds)), 2)
    padded = np.pad(video.frames, ((half, half), (0, 0), (0, 0), (0, 0)), "edge").astype(np.float32)
    sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    width = 2 * half + 1
    return replace(video, frames=((sums[width:] - sums[:-width]) / width).astype(np.uint8))


Blend = tuple[int, int, float]
"""Two frames and the weight of the second."""


def _weights(place: float) -> Blend:
    first = int(place)
    return first, first + 1, place - first


def _knots(count: int, every: int) -> list[Blend]:
    """Each frame between multiples of `every`, as a blend of the two."""
    last = (count - 1) // every * every
    blends = [(n // every * every, n // every * every + every, n % every / every)
              for n in range(last)]  # fmt: skip
    return [*blends, (last, last, 0.0)]


def _at(frames: Frames, blends: list[Blend]) -> NDArray[np.uint8]:
    last = len(frames) - 1
    out = [
        cv2.addWeighted(frames[a], 1 - weight, frames[min(b, last)], weight, 0)
        for a, b, weight in blends
    ]
    return np.array(out, np.uint8)
