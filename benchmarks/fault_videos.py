"""Videos that give no valid EF, made from a clean one or from nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.anatomy import Scene
from edgeecho_train.phantom.arrays import smooth_field
from edgeecho_train.phantom.image import Scanner
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom

Frames = NDArray[np.uint8]
"""`(T, H, W, 3)` RGB."""


@dataclass(frozen=True, eq=False)
class Video:
    """Decoded frames, and what is known of their time."""

    frames: Frames
    fps: float
    heart_rate_bpm: float | None
    """As the runtime found it."""


Make = Callable[[Video, np.random.Generator], Video | None]
"""None: the fault cannot be made of this video."""


def shapes(video: Video, rng: np.random.Generator) -> Video:
    """Another cine: grey discs and squares that fly about and bounce."""
    frames = np.zeros_like(video.frames)
    _height, width = frames.shape[1:3]
    place = rng.uniform(10, width - 10, (6, 2))
    speed = rng.uniform(-2, 2, (6, 2))
    size = rng.integers(5, 18, 6)
    grey = rng.integers(60, 255, 6)
    for frame in frames:
        place += speed
        speed[(place < 0) | (place > width)] *= -1
        for index, (x, y) in enumerate(place.astype(int)):
            colour = (int(grey[index]),) * 3
            if index % 2:
                cv2.circle(frame, (int(x), int(y)), int(size[index]), colour, -1)
            else:
                corner = (int(x + size[index]), int(y + size[index]))
                cv2.rectangle(frame, (int(x), int(y)), corner, colour, -1)
    return replace(video, frames=frames)


def texture(video: Video, rng: np.random.Generator) -> Video:
    """Another cine: a smooth grey pattern that drifts and fills the picture."""
    count, height, width = video.frames.shape[:3]
    field = smooth_field(rng, (3 * height, 3 * width), 6, 6)
    grey = np.clip(80 + 60 * field, 0, 255).astype(np.uint8)
    t = np.arange(count) / count * 2 * np.pi
    ys, xs = (
        (length + 0.9 * length * f(rng.integers(1, 4) * t + rng.uniform(0, 6))).astype(int)
        for length, f in ((height, np.sin), (width, np.cos))
    )
    frames = [grey[y : y + height, x : x + width] for y, x in zip(ys, xs, strict=True)]
    return replace(video, frames=_rgb(np.array(frames)))


def colour(video: Video, rng: np.random.Generator) -> Video:
    """Another cine: coloured clouds that change, as a camera's picture of anything might."""
    height, width = video.frames.shape[1:3]
    fields = [[smooth_field(rng, (height, width), 12, 12) for _ in range(3)] for _ in range(2)]
    frames = np.empty_like(video.frames)
    for index, frame in enumerate(frames):
        angle = 2 * np.pi * index / video.fps
        for channel in range(3):
            mixed = np.cos(angle) * fields[0][channel] + np.sin(angle) * fields[1][channel]
            frame[..., channel] = np.clip(110 + 60 * mixed, 0, 255)
    return replace(video, frames=frames)


def heartless(video: Video, rng: np.random.Generator) -> Video:
    """A phantom's sector, speckle and drift, with the same tissue everywhere and no heart in it."""
    phantom, _ = draw_phantom(PhantomRecipe(int(rng.integers(1 << 31))), 0)
    scanner = Scanner(phantom.view, phantom.appearance, rng)
    level = np.asarray(-26 + 5 * scanner.grid.coarse, np.float32)
    frames = []
    for index in range(len(video.frames)):
        time = index / video.fps
        # Tissue slides by some millimetres at the rate of breathing and of a pulse.
        slide = 0.3 * np.sin(2 * np.pi * 0.3 * time) + 0.1 * np.sin(2 * np.pi * 1.2 * time)
        at = [np.asarray(40 * (axis + slide) + 300, np.float32) for axis in
              (scanner.grid.x, scanner.grid.z)]  # fmt: skip
        frames.append(scanner.frame(Scene(level, *at), time))
    return replace(video, frames=_rgb(np.array(frames)))


def still(video: Video, rng: np.random.Generator) -> Video:
    """One frame, repeated."""
    frame = video.frames[rng.integers(len(video.frames))]
    return replace(video, frames=np.repeat(frame[None], len(video.frames), axis=0))


def noisy_still(video: Video, rng: np.random.Generator) -> Video:
    """One frame with new noise and new JPEG artefacts each time it is shown."""
    frames = still(video, rng).frames
    noise = rng.normal(0, rng.uniform(2, 15), frames.shape[:3])
    noisy = np.clip(frames + noise[..., None] * (frames > 0), 0, 255).astype(np.uint8)
    out = []
    for frame in noisy:
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 95))])
        out.append(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return replace(video, frames=np.array(out, np.uint8))


def half_beat(video: Video, rng: np.random.Generator) -> Video | None:
    """Cut to half a beat, from anywhere in it."""
    if video.heart_rate_bpm is None:
        return None
    count = max(round(30 / video.heart_rate_bpm * video.fps), 2)
    start = int(rng.integers(len(video.frames) - count + 1))
    return replace(video, frames=video.frames[start : start + count])


def upside_down(video: Video, _: np.random.Generator) -> Video:
    """Turned by 180 degrees."""
    return replace(video, frames=np.rot90(video.frames, 2, axes=(1, 2)))


def flipped(video: Video, _: np.random.Generator) -> Video:
    """Top and bottom exchanged: a sector with its tip below."""
    return replace(video, frames=video.frames[:, ::-1])


def turned(video: Video, rng: np.random.Generator) -> Video:
    """Turned by 90 degrees, either way."""
    turns = int(rng.choice([1, 3]))
    return replace(video, frames=np.rot90(video.frames, turns, axes=(1, 2)))


def mirrored(video: Video, _: np.random.Generator) -> Video:
    """Left and right exchanged: some laboratories show the four chambers so."""
    return replace(video, frames=video.frames[:, :, ::-1])


def noise(video: Video, rng: np.random.Generator) -> Video:
    """White noise, as from an empty channel."""
    grey = rng.integers(0, 256, video.frames.shape[:3], dtype=np.uint8)
    return replace(video, frames=_rgb(grey))


def noise_in_sector(video: Video, rng: np.random.Generator) -> Video:
    """White noise of a phantom's brightness within its sector, black beside it."""
    mean = video.frames.mean(axis=(0, 3))
    lit = cv2.morphologyEx((mean > 4).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15)))
    level = video.frames[:, lit > 0].mean()
    grey = np.abs(rng.normal(0, 1.25 * level, video.frames.shape[:3])) * lit
    return replace(video, frames=_rgb(np.clip(grey, 0, 255).astype(np.uint8)))


def _rgb(grey: NDArray[np.uint8]) -> Frames:
    return np.repeat(grey[..., None], 3, axis=-1)


FAULTS: dict[str, Make] = {
    "wrong content: bouncing shapes": shapes,
    "wrong content: drifting texture": texture,
    "wrong content: colour video": colour,
    "wrong content: sector without a heart": heartless,
    "still: one frame repeated": still,
    "still: with fresh noise and JPEG": noisy_still,
    "cut to half a beat": half_beat,
    "upside down: turned by 180 degrees": upside_down,
    "upside down: flipped": flipped,
    "turned by 90 degrees": turned,
    "noise: white": noise,
    "noise: within the sector": noise_in_sector,
}
"""Each must be refused 95 times of 100."""
TOLD: dict[str, Make] = {"mirrored": mirrored}
"""Measured and told; nothing is required of them."""
