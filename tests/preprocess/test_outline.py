"""Which shapes may be a sector, each limit on both sides."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.cine import Region
from edgeecho.preprocess.outline import count_still, may_be_sector
from edgeecho.preprocess.sector_motion import MotionMap


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


def resting(*blocks: tuple[int, int], scale: int = 1, noise: float = 15.0) -> MotionMap:
    """Nothing moves; pictures of 60x60 map pixels lie at these x, y."""
    picture = np.zeros((200, 240), np.float32)
    grey = 60 + noise * np.random.default_rng(0).uniform(-1, 1, (60, 60))
    for x, y in blocks:
        picture[y : y + 60, x : x + 60] = grey
    nothing = np.zeros_like(picture)
    return MotionMap(nothing, nothing, nothing > 1, picture, scale)


BESIDE, BELOW = ((10, 10), (110, 10)), ((10, 10), (10, 110))


@pytest.mark.parametrize("scale", [1, 2])
def test_still_pictures_beside_those_that_are_known_are_counted(scale: int) -> None:
    assert count_still(resting(), []) == 0
    for blocks in (BESIDE, BELOW):
        found = resting(*blocks, scale=scale)
        assert count_still(found, []) == 2
        # Regions are in pixels of the image.
        known = [Region(x * scale, y * scale, 60 * scale, 60 * scale) for x, y in blocks]
        assert [count_still(found, [region]) for region in known] == [1, 1]
        assert count_still(found, known) == 0


def test_a_still_picture_that_reaches_out_of_what_is_known_is_another() -> None:
    # 8 pixels around what is known belong to it; of the block, a strip of 44 pixels is left.
    assert count_still(resting((10, 10)), [Region(10, 10, 60, 52)]) == 0
    assert count_still(resting((10, 10)), [Region(10, 10, 60, 8)]) == 1


def test_what_moves_is_not_still() -> None:
    found = resting(*BESIDE)
    found.level[20:60, 20:60] = 5
    assert count_still(found, []) == 1
