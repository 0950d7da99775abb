"""Outlines of the left ventricle's masks, small enough to go where pictures go."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.beats.quality import largest_parts

MOST = 24
"""Outlines of the largest part with its holes, and of the others."""
Polygon = tuple[int, ...]
"""x and y of one corner after another, closed. Pixels of the mask itself, whose centres are whole
numbers."""


@dataclass(frozen=True)
class Contour:
    """The outline of one frame's mask: filled, it is that mask to the pixel.

    Of a mask that is all specks the longest outlines alone, or pages would be large.
    """

    largest: tuple[Polygon, ...]
    """Of the part that counts for beats, and of the holes in it; empty if the mask is."""
    others: tuple[Polygon, ...]
    """Of the parts that do not."""

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> Contour:
        """Of a mask `(H, W)`."""
        parts, _ = largest_parts(mask[None])
        return cls(_outlines(parts[0]), _outlines(mask & ~parts[0]))


def _outlines(mask: NDArray[np.bool_]) -> tuple[Polygon, ...]:
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    longest = sorted(found, key=len, reverse=True)[:MOST]
    return tuple(tuple(map(int, points.ravel())) for points in longest)
