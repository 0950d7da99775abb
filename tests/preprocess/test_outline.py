"""Which shapes may be a sector, each limit on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.preprocess.outline import may_be_sector


def rectangle(width: int, height: int) -> np.ndarray:
    mask = np.zeros((120, 200), np.uint8)
    mask[5 : 5 + height, 5 : 5 + width] = 1
    return mask


def scattered(ones: int) -> np.ndarray:
    """A hull of 41x41 pixels, 1600 from corner to corner, in which so many pixels are set."""
    mask = np.zeros((60, 60), np.uint8)
    inside = mask[5:46, 5:46]
    inside.flat[:ones] = 1
    inside[-1, [0, -1]] = 1
    return mask


@pytest.mark.parametrize(
    ("mask", "scale", "least_area", "may"),
    [
        (rectangle(32, 32), 1, 0, True),
        (rectangle(31, 40), 1, 0, False),
        (rectangle(40, 31), 1, 0, False),
        # In pixels of the image, not of the mask.
        (rectangle(16, 16), 2, 0, True),
        (rectangle(15, 16), 2, 0, False),
        # Three times as wide as high, or as high as wide.
        (rectangle(120, 40), 1, 0, True),
        (rectangle(121, 40), 1, 0, False),
        (rectangle(33, 99), 1, 0, True),
        (rectangle(33, 100), 1, 0, False),
        # Half of the hull around it.
        (scattered(798), 1, 0, True),
        (scattered(797), 1, 0, False),
        # The hull goes through the centres of the outer pixels.
        (rectangle(41, 51), 1, 2000, True),
        (rectangle(41, 51), 1, 2001, False),
        (np.zeros((60, 60), np.uint8), 1, 0, False),
    ],
)
def test_a_sector_is_large_compact_and_no_strip(
    mask: np.ndarray, scale: int, least_area: int, may: bool
) -> None:
    assert may_be_sector(mask, scale, least_area) == may
