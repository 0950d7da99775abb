"""A heart of another, simple simulator: what the network never saw, with a known EF."""

from __future__ import annotations

import cv2
import numpy as np
from fault_videos import Video
from numpy.typing import NDArray


def other_heart(rng: np.random.Generator, *, size: int = 112) -> tuple[Video, float]:
    """A heart of another, simple simulator, and its EF in %: a bullet that beats in polar speckle.

    The ventricle's width and length both fall, as a sine of time; its volume is that of the bullet
    turned about its axis. Its chambers, textures and scanner are not those of the phantoms.
    """
    fps, bpm = float(rng.uniform(35, 65)), float(rng.uniform(50, 100))
    count = int(fps * rng.uniform(2.2, 4))
    width, length = rng.uniform(11, 17), rng.uniform(48, 60)
    thin, short = rng.uniform(0.05, 0.45), rng.uniform(0.02, 0.15)
    y, x = np.indices((size, size)).astype(np.float32)
    tip, centre = 6.0, size / 2 + rng.uniform(-3, 3)
    radius, angle = np.hypot(x - centre, y - tip), np.arctan2(x - centre, y - tip)
    lit = (np.abs(angle) < np.radians(rng.uniform(34, 42))) & (radius < size - tip - 4)
    speckle = _polar_speckle(rng, radius, angle)
    middle, apex, wall = centre + rng.uniform(-4, 4), tip + rng.uniform(12, 18), rng.uniform(5, 8)
    gain, blood = rng.uniform(130, 220), rng.uniform(0.02, 0.08)
    frames = np.zeros((count, size, size, 3), np.uint8)
    for index, frame in enumerate(frames):
        phase = np.sin(np.pi * bpm / 60 * index / fps) ** 2
        w, h = width * (1 - thin * phase), length * (1 - short * phase)
        base = apex + length * (1 - short * phase)
        cavity = _bullet(x - middle, y - apex, w, h)
        thick = wall * (1 + 0.35 * phase)
        muscle = _bullet(x - middle, y - apex + thick, w + thick, h + thick) & ~cavity
        atrium = ((x - middle) / (0.9 * width)) ** 2 + ((y - base - 14) / 13) ** 2 < 1
        level = np.where(muscle, 1.0, 0.3)
        level = np.where(cavity | atrium, blood, level)
        valve = (np.abs(y - base) < 1.5) & (np.abs(x - middle) < w)
        level = np.where(valve, 0.9, level)
        # Tissue drags its speckle along; blood has new one in each frame.
        moved = cv2.remap(speckle, x, y + np.float32(3 * phase), cv2.INTER_LINEAR)
        fresh = rng.rayleigh(0.8, (size, size))
        grey = gain * level * np.where(cavity | atrium, fresh, moved)
        grey = cv2.GaussianBlur(grey, (0, 0), 0.7) * lit
        frame[:] = np.clip(grey, 0, 255).astype(np.uint8)[..., None]
    volume = (1 - thin) ** 2 * (1 - short)
    return Video(frames, fps, bpm), 100 * (1 - volume)


def _bullet(
    x: NDArray[np.floating], y: NDArray[np.floating], w: float, h: float
) -> NDArray[np.bool_]:
    """Half an ellipse above, straight walls below; the tip is at the origin, the base at `h`."""
    round_part = h / 2
    above = (x / w) ** 2 + ((y - round_part) / round_part) ** 2 < 1
    return np.asarray((above & (y < round_part)) | ((np.abs(x) < w) & (y >= round_part) & (y < h)))


def _polar_speckle(
    rng: np.random.Generator, radius: NDArray[np.floating], angle: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Speckle that is broad far from the probe and fine along the beam."""
    polar = rng.normal(size=(2, 180, 120)).astype(np.float32)
    smooth = [cv2.GaussianBlur(part, (0, 0), sigmaX=1.2, sigmaY=0.9) for part in polar]
    amplitude = np.hypot(*smooth)
    amplitude /= amplitude.mean()
    across = ((angle / np.radians(90) + 0.5) * 119).astype(np.float32)
    return cv2.remap(amplitude, across, (radius * 1.4).astype(np.float32), cv2.INTER_LINEAR)
