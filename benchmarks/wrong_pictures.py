"""Videos whose picture is wrong: clean ones with a part missing, out of shape, or altered in grey.

Each takes parameters, so that what thresholds are chosen on is not what is reported.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from fault_videos import Frames, Video
from numpy.typing import NDArray

from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.render import render


def _sector(frames: Frames) -> NDArray[np.bool_]:
    """Where the picture is, `(H, W)`."""
    lit = (frames.mean(axis=(0, 3)) > 4).astype(np.uint8)
    return cv2.morphologyEx(lit, cv2.MORPH_CLOSE, np.ones((15, 15))) > 0


def _polar(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Depth below the tip in pixels and angle from straight down in degrees, `(H, W)` each."""
    lit = _sector(frames)
    rows, columns = np.nonzero(lit)
    top, centre = rows.min(), np.median(columns[rows < rows.min() + 4])
    y, x = np.indices(lit.shape)
    return np.hypot(x - centre, y - top), np.degrees(np.arctan2(x - centre, y - top + 8))


def half_black(video: Video, rng: np.random.Generator, *, slant: float | None = None) -> Video:
    """The left or the right half of the picture is black, or of the sector, `slant` degrees off."""
    side = 1 if rng.random() < 0.5 else -1
    if slant is None:
        _, width = video.frames.shape[1:3]
        black = np.broadcast_to(side * (np.arange(width) - width // 2 + 0.5) > 0, (1, width))
    else:
        black = side * (_polar(video.frames)[1] - rng.uniform(-slant, slant)) > 0
    return replace(video, frames=video.frames * ~black[..., None])


def quarter_black(video: Video, rng: np.random.Generator, *, lower: bool = True) -> Video:
    """A quarter of the sector is black: one side of its lower half, or of its angles."""
    depth, angle = _polar(video.frames)
    lit = _sector(video.frames)
    side = 1 if rng.random() < 0.5 else -1
    if lower:
        black = (side * angle > 0) & (depth > np.sqrt(0.5) * depth[lit].max())
        black |= (side * angle > 0) & (depth > np.median(depth[lit & (side * angle > 0)]))
    else:
        black = side * angle > np.percentile(side * angle[lit], 75)
    return replace(video, frames=video.frames * ~black[..., None])


def shadow(video: Video, rng: np.random.Generator) -> Video:
    """A rib's shadow over a wall: a fan from the probe in which nearly nothing is left."""
    _, angle = _polar(video.frames)
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


def squeezed(video: Video, _: np.random.Generator, *, width: float = 0.7) -> Video:
    """Shown at `width` of its width (above 1: of its height), black beside it."""
    if width > 1:
        upright = squeezed(replace(video, frames=video.frames.swapaxes(1, 2)), _, width=1 / width)
        return replace(video, frames=upright.frames.swapaxes(1, 2))
    rows, columns = video.frames.shape[1:3]
    narrow = round(width * columns)
    left = (columns - narrow) // 2
    frames = np.zeros_like(video.frames)
    for frame, target in zip(video.frames, frames, strict=True):
        target[:, left : left + narrow] = cv2.resize(np.ascontiguousarray(frame), (narrow, rows))
    return replace(video, frames=frames)


def inverted(video: Video, _: np.random.Generator, *, white: float | None = None) -> Video:
    """Black and white exchanged within the sector; `white`: the new grey of black."""
    points = cv2.findNonZero(_sector(video.frames).astype(np.uint8))
    lit = np.zeros((*video.frames.shape[1:3], 1), np.uint8)
    cv2.fillConvexPoly(lit, cv2.convexHull(points), 1)
    most = np.percentile(video.frames, 99) if white is None else white
    frames = lit * np.clip(most - video.frames, 0, 255)
    return replace(video, frames=frames.astype(np.uint8))


def flickering_still(
    video: Video, rng: np.random.Generator, *, beats: float | None = 75.0, noise: float = 4.0
) -> Video:
    """One frame whose brightness changes `beats` times a minute, or as it happens, with noise."""
    count = len(video.frames)
    frame = video.frames[rng.integers(count)].astype(np.float32)
    if beats is None:
        course = np.convolve(rng.normal(0, 1, count + 8), np.ones(9) / 3, "valid")
    else:
        course = np.sin(2 * np.pi * beats / 60 * np.arange(count) / video.fps)
    gain = 1 + rng.uniform(0.2, 0.4) * np.clip(course, -2, 2)
    fresh = rng.normal(0, noise, video.frames.shape[:3])[..., None] * (frame > 4)
    frames = np.clip(frame * gain[:, None, None, None] + fresh, 0, 255).astype(np.uint8)
    return replace(video, frames=frames)


def two_hearts(video: Video, rng: np.random.Generator, *, share: float = 0.5) -> Video:
    """Beside it a second one, of another phantom: `share` of the width is the first's."""
    phantom, noise = draw_phantom(PhantomRecipe(int(rng.integers(1 << 31)), frames=len(
        video.frames)), 0)  # fmt: skip
    second = np.repeat(render(phantom, noise).frames[..., None], 3, axis=-1)
    rows, columns = video.frames.shape[1:3]
    frames, first = np.zeros_like(video.frames), round(share * columns)
    for source, left, side in ((video.frames, 0, first), (second, first, columns - first)):
        top = (rows - side) // 2
        for frame, target in zip(source, frames, strict=True):
            small = cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA)
            target[top : top + side, left : left + side] = small
    return replace(video, frames=frames)


def noisy(video: Video, rng: np.random.Generator) -> Video:
    """Noise in each frame, as strong as the picture."""
    lit = _sector(video.frames)
    level = rng.uniform(0.5, 1.0) * video.frames[:, lit].std()
    noise = rng.normal(0, level, video.frames.shape[:3]) * lit
    frames = np.clip(video.frames + noise[..., None], 0, 255).astype(np.uint8)
    return replace(video, frames=frames)
