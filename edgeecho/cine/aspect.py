"""Pixel aspect ratio: frames with non-square pixels are resampled to square ones when decoded.

A heart that is squeezed to half its width has another EF, and nothing in the picture shows it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import InputError

# No format needs more (anamorphic film 2, half fields 2 or 0.5): a larger ratio is damage.
_MOST = 4.0


@dataclass(frozen=True)
class Aspect:
    """The shape of a stored pixel."""

    ratio: float = 1.0
    """Width divided by height."""
    source: str = ""
    """Where the ratio comes from; empty if nothing states it and square pixels are assumed."""

    def check(self, name: str) -> None:
        """Raise `InputError` if no picture can have such pixels."""
        if not 1 / _MOST <= self.ratio <= _MOST:
            raise InputError(
                f"{name} says that its pixels are {self.ratio:.3g} times as wide as high "
                f"({self.source}): that must be an error, export it again with square pixels"
            )

    def agrees(self, other: Aspect) -> bool:
        """Whether both ratios are equal within 2 %, which covers rounding."""
        return abs(self.ratio / other.ratio - 1) < 0.02

    def square(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the same picture with square pixels; neither becomes smaller.

        Almost square pixels count as square, because converters round a scale to whole pixels.
        """
        if self.agrees(SQUARE):
            return height, width
        if self.ratio >= 1:
            return height, round(width * self.ratio)
        return round(height / self.ratio), width

    def against(self, other: Aspect) -> tuple[str, ...]:
        """A note if another source states a different ratio."""
        if not other.source or self.agrees(other):
            return ()
        return (
            f"{self.source} says that its pixels are {self.ratio:.3g} times as wide as high, "
            f"{other.source} {other.ratio:.3g}: {self.source} was believed",
        )

    def stretch(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The frame `(H, W, 3)` with square pixels; the same array if they already are."""
        size = self.square(*frame.shape[:2])
        if size == frame.shape[:2]:
            return frame
        frame = np.ascontiguousarray(frame)
        return np.asarray(cv2.resize(frame, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)

    def note(self, height: int, width: int) -> tuple[str, ...]:
        """A note for the result on how a picture stored in this size was stretched."""
        size = self.square(height, width)
        if size == (height, width):
            return ()
        return (
            f"its pixels are {self.ratio:.3g} times as wide as high ({self.source}): "
            f"stretched from {width}x{height} to {size[1]}x{size[0]}",
        )


SQUARE = Aspect()
