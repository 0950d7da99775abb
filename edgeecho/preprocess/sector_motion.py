"""A map of persistent motion, which distinguishes a sector from the rest of a scanner's screen.

Speckle changes from frame to frame wherever a scanner draws echoes, down to the electronic noise
of a black blood pool. Text, logos, grey bars and scales do not change, and the pixels of an ECG
trace, a cursor or a clock change only now and then. Colour is ignored, so tinted B-mode and colour
Doppler are found like grey B-mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Region

REACH = 8
"""A radius in map pixels: codecs smear an edge less far, and what is thinner than twice this
(digits, ticks, a trace) is no sector."""
BLUR = 2
"""Radius in map pixels over which motion is averaged, because dark speckle is sparse."""
# Maximum length of the map's longer side, for speed; 256 cost 0.3 % of overlap on phantoms.
_LONGEST = 320
# Number of frames, spread over the cine. More frames are closer in time, so they differ less.
_FRAMES = 16
# A pixel's motion is this quantile of its changes between these frames: speckle hardly ever rests,
# while a trace passes a pixel only a few times.
_QUANTILE = 0.8
# In grey levels. 98 % of a real sector had more than 1.4, but only more than 0.08 in a small,
# coarse JPEG copy; outside the sector it was 0.
_FAINTEST = 0.15
# In grey levels: if everything moves more than this, it is no camera noise but a sector whose
# border is outside the image.
_NOISIEST = 3.0
# A codec leaves up to a tenth of an edge's motion in the black beside it.
_SMEAR = 0.1

Grey: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class MotionMap:
    """Motion on a grid of `scale` x `scale` image pixels."""

    level: NDArray[np.float32]
    """`(h, w)` typical change between two frames in grey levels; 0 where it is only noise."""
    change: NDArray[np.float32]
    """`(h, w)` the same, noise included."""
    sharp: NDArray[np.bool_]
    """`(h, w)` False where motion may have been smeared from nearby."""
    picture: NDArray[np.float32]
    """`(h, w)` mean picture in grey levels."""
    scale: int

    def within(self, region: Region) -> MotionMap:
        """The part of the map for a region of the image."""
        rows, columns = (
            slice(start // self.scale, -(-(start + length) // self.scale))
            for start, length in ((region.y, region.height), (region.x, region.width))
        )
        part = np.s_[rows, columns]
        return MotionMap(
            self.level[part], self.change[part], self.sharp[part], self.picture[part], self.scale
        )

    def only(self, mask: NDArray[np.uint8]) -> MotionMap:
        """The same map with motion only near the ones of a mask `(h, w)`."""
        near = cv2.dilate(mask, disc(REACH)) > 0
        return replace(self, level=np.where(near, self.level, 0))


def motion_map(frames: NDArray[np.uint8]) -> MotionMap:
    """The motion of RGB frames `(T, H, W, 3)`; zero for fewer than two frames."""
    height, width = frames.shape[1:3]
    scale = min(-(-max(height, width) // _LONGEST), height, width)
    if not len(frames):
        frames = np.zeros((1, height, width, 3), np.uint8)
    small = _small(frames, scale)
    picture = np.zeros(small[0].shape, np.float32)
    for grey in small:
        cv2.accumulate(grey, picture)
    picture /= len(small)
    level = _changes(small).astype(np.float32)
    level = np.asarray(cv2.blur(level, (2 * BLUR + 1, 2 * BLUR + 1)), np.float32)
    near = cv2.dilate(level, disc(REACH))
    # Somewhere outside the sector there is only camera or codec noise within twice the reach: its
    # maximum is the threshold. If noise fills the image, hardly a pixel exceeds the maximum of its
    # own surroundings.
    noise = float(np.percentile(cv2.dilate(near, disc(REACH)), 10))
    change = level.copy()
    level[level <= max(_FAINTEST, noise)] = 0
    if noise > _NOISIEST:
        level[:] = 0
    return MotionMap(level, change, np.asarray(level > _SMEAR * near), picture, scale)


def _small(frames: NDArray[np.uint8], scale: int) -> list[Grey]:
    """Some frames in grey, `(H // scale, W // scale)`; means are not rounded to whole levels."""
    height, width = (length // scale for length in frames.shape[1:3])
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), _FRAMES)).round())
    small = []
    for index in chosen.astype(int):
        grey = cv2.cvtColor(frames[index], cv2.COLOR_RGB2GRAY)[: height * scale, : width * scale]
        if scale > 1:
            size = width, height
            grey = cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        small.append(grey)
    return small


def _changes(small: list[Grey]) -> Grey:
    """The quantile of each pixel's changes from frame to frame; zero for a single frame."""
    count = len(small) - 1
    # The largest changes so far, in order, down to the quantile: only a few are above it.
    most = [np.zeros_like(small[0])] * (count - round(_QUANTILE * (count - 1)))
    for before, after in pairwise(small):
        change = cv2.absdiff(before, after)
        for place, known in enumerate(most):
            most[place] = np.maximum(known, change)
            change = np.minimum(known, change)
    return most[-1]


def disc(radius: int) -> NDArray[np.uint8]:
    """A round structuring element."""
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
