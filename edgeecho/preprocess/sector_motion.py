"""Where a cine moves all the time: what tells a sector from the rest of a scanner's screen.

Speckle changes from frame to frame wherever a scanner draws echoes, down to the electronic noise
of a black blood pool. Text, logos, grey bars and scales stand still, and a pixel of an ECG trace,
a cursor or a clock changes now and then only. Colour plays no part, so tinted B-mode and colour
Doppler are found like grey B-mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Region

REACH = 8
"""A radius in the map's pixels: codecs smear an edge less far, and what is thinner than twice this
(digits, ticks, a trace) is no sector."""
BLUR = 2
"""Radius, in the map's pixels, over which motion is averaged: dark speckle is sparse."""
# The map's longer side at most, which keeps it fast; 256 cost 0.3 % of overlap on phantoms.
_LONGEST = 320
# Frames looked at, spread over the cine. More of them are closer in time, so they differ less.
_FRAMES = 16
# A pixel's motion is this quantile of its changes from one of them to the next: speckle hardly
# ever rests, while a trace passes a pixel a few times.
_QUANTILE = 0.8
# In grey levels. 98 % of a real sector had over 1.4, but only over 0.08 in a small, coarse JPEG
# copy of it; beside them it was 0.
_FAINTEST = 0.15
# In grey levels: what moves more than this everywhere is no camera's noise, but a sector whose
# border is outside the image.
_NOISIEST = 3.0
# A codec leaves up to a tenth of an edge's motion in the black beside it.
_SMEAR = 0.1


@dataclass(frozen=True, eq=False)
class MotionMap:
    """Motion on a grid of `scale` x `scale` pixels of the image."""

    level: NDArray[np.float32]
    """`(h, w)` typical change between two frames in grey levels; 0 where it is but noise."""
    change: NDArray[np.float32]
    """`(h, w)` the same, noise included."""
    sharp: NDArray[np.bool_]
    """`(h, w)` False where the motion may be smeared there from beside."""
    picture: NDArray[np.float32]
    """`(h, w)` the mean picture in grey levels."""
    scale: int

    def within(self, region: Region) -> MotionMap:
        """The part that shows a region of the image."""
        rows, columns = (
            slice(start // self.scale, -(-(start + length) // self.scale))
            for start, length in ((region.y, region.height), (region.x, region.width))
        )
        part = np.s_[rows, columns]
        return MotionMap(
            self.level[part], self.change[part], self.sharp[part], self.picture[part], self.scale
        )

    def only(self, mask: NDArray[np.uint8]) -> MotionMap:
        """The same, with motion only near what a mask `(h, w)` holds."""
        near = cv2.dilate(mask, disc(REACH)) > 0
        return replace(self, level=np.where(near, self.level, 0))


def motion_map(frames: NDArray[np.uint8]) -> MotionMap:
    """The motion of `(T, H, W, 3)` RGB frames; none where there are fewer than two."""
    height, width = frames.shape[1:3]
    scale = min(-(-max(height, width) // _LONGEST), height, width)
    small = _small(frames, scale)
    picture = small.sum(axis=0) / max(len(small), 1)
    steps = np.abs(np.diff(small, axis=0))
    if not len(steps):
        steps = np.zeros((1, height // scale, width // scale), np.float32)
    rank = round(_QUANTILE * (len(steps) - 1))
    level = np.partition(steps, rank, axis=0)[rank]
    level = np.asarray(cv2.blur(level, (2 * BLUR + 1, 2 * BLUR + 1)), np.float32)
    near = cv2.dilate(level, disc(REACH))
    # Somewhere beside the sector there is nothing for twice the reach but the noise of a camera or
    # a codec: its maximum there is the threshold. Where noise fills the image, hardly a pixel is
    # above its own surroundings' maximum.
    noise = float(np.percentile(cv2.dilate(near, disc(REACH)), 10))
    change = level.copy()
    level[level <= max(_FAINTEST, noise)] = 0
    if noise > _NOISIEST:
        level[:] = 0
    return MotionMap(level, change, np.asarray(level > _SMEAR * near), picture, scale)


def _small(frames: NDArray[np.uint8], scale: int) -> NDArray[np.float32]:
    """Some frames in grey, `(n, H // scale, W // scale)`; means, not rounded to whole levels."""
    height, width = (length // scale for length in frames.shape[1:3])
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _FRAMES)).round())
    small = np.empty((len(chosen), height, width), np.float32)
    for index, target in zip(chosen.astype(int), small, strict=True):
        grey = cv2.cvtColor(frames[index], cv2.COLOR_RGB2GRAY)[: height * scale, : width * scale]
        cv2.resize(grey.astype(np.float32), (width, height), target, interpolation=cv2.INTER_AREA)
    return small


def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element."""
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
