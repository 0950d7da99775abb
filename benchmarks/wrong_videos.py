"""Videos that are answered wrongly: clean ones, altered. Their label stays that of the heart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from fault_videos import Frames, Video
from numpy.typing import NDArray

Alter = Callable[[Video, np.random.Generator], Video]


def _sector(frames: Frames) -> NDArray[np.bool_]:
    """Where the picture is, `(H, W)`."""
    lit = (frames.mean(axis=(0, 3)) > 4).astype(np.uint8)
    return cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((15, 15))) > 0


def half_black(video: Video, rng: np.random.Generator) -> Video:
    """The left or the right half is black."""
    middle = video.frames.shape[2] // 2
    side = slice(None, middle) if rng.random() < 0.5 else slice(middle, None)
    frames = video.frames.copy()
    frames[:, :, side] = 0
    return replace(video, frames=frames)


def shadow(video: Video, rng: np.random.Generator) -> Video:
    """A rib's shadow over a wall: a fan from the probe in which nearly nothing is left."""
    lit = _sector(video.frames)
    rows, columns = np.nonzero(lit)
    top, centre = rows.min(), np.median(columns[rows < rows.min() + 4])
    y, x = np.indices(lit.shape)
    angle = np.degrees(np.arctan2(x - centre, y - top + 8))
    middle = rng.choice([-1, 1]) * rng.uniform(8, 20)
    edge = np.clip((np.abs(angle - middle) - rng.uniform(6, 12)) / 3, 0, 1)
    left = 0.08 + 0.92 * edge
    return replace(video, frames=(video.frames * left[..., None]).astype(np.uint8))


def dropout(video: Video, rng: np.random.Generator) -> Video:
    """The lower or the upper part of the sector fades out, as with too little depth gain."""
    height = video.frames.shape[1]
    from_top = np.linspace(0, 1, height)
    way = from_top if rng.random() < 0.5 else 1 - from_top
    left = np.clip((0.62 - way) / 0.15, 0.05, 1)
    return replace(video, frames=(video.frames * left[:, None, None]).astype(np.uint8))


def shuffled(video: Video, rng: np.random.Generator) -> Video:
    """All frames in another order."""
    return replace(video, frames=video.frames[rng.permutation(len(video.frames))])


def backwards(video: Video, _: np.random.Generator) -> Video:
    """Played from its end to its beginning."""
    return replace(video, frames=video.frames[::-1])


def half_frozen(video: Video, rng: np.random.Generator) -> Video:
    """From the middle on, or up to it, one frame stands still."""
    count = len(video.frames)
    places = np.arange(count)
    middle = count // 2
    still = np.minimum(places, middle) if rng.random() < 0.5 else np.maximum(places, middle)
    return replace(video, frames=video.frames[still])


def slowed(video: Video, _: np.random.Generator) -> Video:
    """Twice as slow: the file names half of its frame rate."""
    return replace(video, fps=video.fps / 2)


def sped(video: Video, _: np.random.Generator) -> Video:
    """Twice as fast: the file names twice its frame rate."""
    return replace(video, fps=video.fps * 2)


def smeared(video: Video, rng: np.random.Generator) -> Video:
    """Each frame is the mean of a fifth of a second or more: a persistence that is far too high."""
    half = max(round(video.fps * rng.uniform(0.1, 0.2)), 2)
    padded = np.pad(video.frames, ((half, half), (0, 0), (0, 0), (0, 0)), "edge").astype(np.float32)
    sums = np.cumsum(np.concatenate([np.zeros_like(padded[:1]), padded]), axis=0)
    width = 2 * half + 1
    return replace(video, frames=((sums[width:] - sums[:-width]) / width).astype(np.uint8))


def ping_pong(video: Video, rng: np.random.Generator) -> Video:
    """A third of a second to and fro."""
    count = len(video.frames)
    few = max(round(0.32 * video.fps), 4)
    start = int(rng.integers(max(count - few, 1)))
    turn = np.abs((np.arange(count) + few - 1) % (2 * few - 2) - few + 1)
    return replace(video, frames=video.frames[np.minimum(start + turn, count - 1)])


def squeezed(video: Video, _: np.random.Generator) -> Video:
    """Shown at 0.7 of its width, black beside it: pixels that are not square."""
    height, width = video.frames.shape[1:3]
    narrow = round(0.7 * width)
    left = (width - narrow) // 2
    frames = np.zeros_like(video.frames)
    for frame, target in zip(video.frames, frames, strict=True):
        target[:, left : left + narrow] = cv2.resize(frame, (narrow, height))
    return replace(video, frames=frames)


def inverted(video: Video, _: np.random.Generator) -> Video:
    """Black and white exchanged within the sector."""
    points = cv2.findNonZero(_sector(video.frames).astype(np.uint8))
    lit = np.zeros((*video.frames.shape[1:3], 1), np.uint8)
    cv2.fillConvexPoly(lit, cv2.convexHull(points), 1)
    most = np.percentile(video.frames, 99)
    frames = lit * np.clip(most - video.frames, 0, 255)
    return replace(video, frames=frames.astype(np.uint8))


def noisy(video: Video, rng: np.random.Generator) -> Video:
    """Noise in each frame, as strong as the picture."""
    lit = _sector(video.frames)
    level = rng.uniform(0.5, 1.0) * video.frames[:, lit].std()
    noise = rng.normal(0, level, video.frames.shape[:3]) * lit
    frames = np.clip(video.frames + noise[..., None], 0, 255).astype(np.uint8)
    return replace(video, frames=frames)


ALTERED: dict[str, Alter] = {
    "half of the sector black": half_black,
    "a shadow over a wall": shadow,
    "near or far half faded": dropout,
    "frames shuffled": shuffled,
    "played backwards": backwards,
    "half of the time frozen": half_frozen,
    "twice as slow": slowed,
    "twice as fast": sped,
    "smeared over time": smeared,
    "a third of a second, to and fro": ping_pong,
    "squeezed to 0.7 of its width": squeezed,
    "grey inverted": inverted,
    "noise as strong as the picture": noisy,
}
