"""Which rectangles are one and the same, and the rectangle that a choice of a sector shows."""

from __future__ import annotations

import pytest

from edgeecho.cine import Region
from edgeecho.preprocess.rectangles import around, distinct, same

IMAGE = Region(0, 0, 320, 240)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        # Half of the smaller one's 100 x 80 is not more than half of it.
        (Region(60, 20, 100, 80), False),
        (Region(59, 20, 100, 80), True),
        (Region(10, 60, 100, 80), False),
        (Region(10, 59, 100, 80), True),
        (Region(0, 0, 320, 240), True),
        (Region(20, 30, 40, 40), True),
        # The smaller one counts: 50 x 40 of 50 x 80.
        (Region(60, 60, 50, 80), False),
        (Region(60, 59, 50, 80), True),
        # Beside, below and across: nothing in common, though both lacks make a large product.
        (Region(110, 20, 100, 80), False),
        (Region(10, 100, 100, 80), False),
        (Region(300, 200, 100, 80), False),
    ],
)
def test_the_same_is_what_shares_more_than_half_of_the_smaller_one(
    other: Region, is_same: bool
) -> None:
    one = Region(10, 20, 100, 80)
    assert same(one, other) == same(other, one) == is_same


def test_the_largest_of_the_same_regions_is_kept_and_none_too_small_for_a_sector() -> None:
    large, inside, beside = Region(0, 0, 100, 80), Region(5, 5, 60, 60), Region(120, 0, 40, 60)
    assert distinct([inside, beside, large]) == [large, beside]
    narrow, low = Region(200, 0, 31, 100), Region(200, 120, 100, 31)
    assert distinct([narrow, low]) == []
    assert distinct([Region(200, 0, 32, 100), Region(200, 120, 100, 32)]) == [
        Region(200, 0, 32, 100),
        Region(200, 120, 100, 32),
    ]


def test_of_thousands_of_regions_the_sixteen_largest_are_looked_at() -> None:
    regions = [Region(1000 * n, 0, 40 + n, 40) for n in range(20)]
    assert distinct(regions) == regions[:3:-1]


@pytest.mark.parametrize(
    ("box", "square", "shown"),
    [
        # Wholly inside: as high as the square, no wider than the box.
        (Region(60, 40, 80, 100), (50, 40, 100), Region(60, 40, 80, 100)),
        # The square cuts a wide box, the image what is beyond its edges.
        (Region(20, 40, 200, 100), (70, 40, 100), Region(70, 40, 100, 100)),
        (Region(0, 0, 80, 100), (-10, -20, 100), Region(0, 0, 80, 80)),
        (Region(250, 180, 70, 60), (250, 170, 100), Region(250, 170, 70, 70)),
        (Region(200, 100, 60, 100), (180, 100, 100), Region(200, 100, 60, 100)),
    ],
)
def test_a_choice_shows_the_box_in_its_square_and_in_the_image(
    box: Region, square: tuple[int, int, int], shown: Region
) -> None:
    assert around(box, square, IMAGE) == shown
