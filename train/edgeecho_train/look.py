"""Random looks of a clip: what another scanner, setting or window would show of the same heart.

A network that saw one generator's greys, grain and sector takes them for the heart. Nothing here
changes how far the ventricle empties, and nothing moves over time by itself: a clip has one look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
Masks = NDArray[np.uint8]


@dataclass(frozen=True)
class Look:
    """How a clip is altered. The defaults alter nothing."""

    stretch: tuple[float, float] = (1.0, 1.0)
    """Factors of width and height about the middle of the picture."""
    turn: float = 0.0
    """Angle in radians, about the middle of the picture's upper edge: the probe."""
    curve: float = 1.0
    """Exponent of the grey levels; below 1 darkness brightens."""
    gain: float = 1.0
    black: float = 0.0
    """Grey level of 0..1 below which all is black."""
    depth_gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors at the top, the middle and the bottom of the picture."""
    shadow: tuple[float, float, float] = (0.0, 0.1, 0.0)
    """Direction in radians from straight down, half width in radians, and share of the grey that
    is lost."""
    blur: float = 0.0
    """Standard deviation in pixels; negative sharpens."""
    grain: float = 0.0
    """Standard deviation of a factor that is new in each pixel of each frame."""
    noise: float = 0.0
    """Standard deviation in grey levels of what is added, where the picture is lit."""

    def frames(self, frames: Frames, rng: np.random.Generator) -> Frames:
        """Frames `(T, S, S, 3)`, altered; `rng` is for grain and noise."""
        size = frames.shape[1]
        warped = np.stack([self._warp(frame, cv2.INTER_LINEAR) for frame in frames])
        levels = np.clip(np.arange(256) / 255 - self.black, 0, None) / (1 - self.black)
        table = 255 * self.gain * levels**self.curve
        grey = table.astype(np.float32)[warped] * self._light(size)[..., None]
        if self.blur:
            grey = np.stack([_blurred(frame, self.blur) for frame in grey])
        if self.grain or self.noise:
            # The same for red, green and blue, and none outside the sector, which stays black.
            shape = (*grey.shape[:3], 1)
            grey *= 1 + self.grain * rng.standard_normal(shape, np.float32)
            grey += (grey > 2) * (self.noise * rng.standard_normal(shape, np.float32))
        return np.asarray(np.clip(np.rint(grey), 0, 255), np.uint8)

    def masks(self, masks: Masks) -> Masks:
        """Masks `(T, S, S)` of 0 and 1, moved as the frames are."""
        return np.stack([self._warp(mask, cv2.INTER_NEAREST) for mask in masks])

    def _warp(self, picture: NDArray[np.uint8], interpolation: int) -> NDArray[np.uint8]:
        if self.stretch == (1.0, 1.0) and not self.turn:
            return picture
        middle = (picture.shape[0] - 1) / 2
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        turned = np.array([[cos, -sin], [sin, cos]])
        scaled = np.diag(self.stretch)
        # First the turn about the probe (middle, 0), then the stretch about (middle, middle).
        matrix = scaled @ turned
        probe, centre = np.array([middle, 0.0]), np.array([middle, middle])
        shift = scaled @ (probe - turned @ probe - centre) + centre
        affine = np.column_stack([matrix, shift])
        size = picture.shape[1], picture.shape[0]
        return np.asarray(cv2.warpAffine(picture, affine, size, flags=interpolation))

    def _light(self, size: int) -> NDArray[np.float32]:
        down = np.linspace(0, 2, size)
        light = np.interp(down, [0, 1, 2], self.depth_gain)[:, None] * np.ones(size)
        direction, half, lost = self.shadow
        if lost:
            x, y = np.meshgrid(np.arange(size) - (size - 1) / 2, np.arange(size) + 1.0)
            light *= 1 - lost * np.exp(-(((np.arctan2(x, y) - direction) / half) ** 2))
        return light.astype(np.float32)


def draw_look(rng: np.random.Generator) -> Look:
    """A look of which each part is absent in a third to two thirds of the clips."""

    def some(share: float, low: float, high: float, absent: float) -> float:
        drawn, value = rng.uniform() < share, float(rng.uniform(low, high))
        return value if drawn else absent

    zoom = some(0.5, 0.88, 1.12, 1.0)
    return Look(
        stretch=(zoom * some(0.5, 0.92, 1.08, 1.0), zoom),
        turn=some(0.5, -0.14, 0.14, 0.0),
        curve=math.exp(some(0.6, -0.5, 0.5, 0.0)),
        gain=math.exp(some(0.6, -0.4, 0.4, 0.0)),
        black=some(0.4, 0.0, 0.12, 0.0),
        depth_gain=(some(0.4, 0.5, 1.3, 1.0), some(0.3, 0.7, 1.3, 1.0), some(0.4, 0.5, 1.3, 1.0)),
        shadow=(
            float(rng.uniform(-0.6, 0.6)),
            float(rng.uniform(0.05, 0.16)),
            some(0.35, 0.3, 0.9, 0.0),
        ),
        blur=some(0.5, -0.6, 1.1, 0.0),
        grain=some(0.4, 0.0, 0.35, 0.0),
        noise=some(0.4, 0.0, 12.0, 0.0),
    )


def _blurred(frame: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    smooth = cv2.GaussianBlur(frame, (0, 0), abs(blur))
    sharp = frame + (frame - smooth)
    return np.asarray(smooth if blur > 0 else sharp, np.float32)
