"""Comparing rectangles: a DICOM file's regions and the boxes around sectors."""

from __future__ import annotations

from collections.abc import Iterable

from edgeecho.cine.types import Region
from edgeecho.preprocess.outline import LEAST_SIDE

# A screen has a few; a header may list thousands.
_MOST = 16


def distinct(regions: Iterable[Region]) -> list[Region]:
    """Regions that are large enough for a sector, without those mostly inside a larger one."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda r: -r.width * r.height)[:_MOST]:
        large = min(region.width, region.height) >= LEAST_SIDE
        if large and not any(same(region, other) for other in kept):
            kept.append(region)
    return kept


def same(one: Region, other: Region) -> bool:
    """Whether two rectangles share more than half of the smaller one."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    smaller = min(one.width * one.height, other.width * other.height)
    return min(width, height) > 0 and width * height > 0.5 * smaller


def around(box: Region, square: tuple[int, int, int], image: Region) -> Region:
    """The part of a sector's square that its box fills, inside the image.

    With `--crop` it shows the sector at the square's scale. It has no margin: one of 2 pixels
    changed the EF of a small phantom by 2 points.
    """
    left, top, side = square
    x, y = max(left, box.x, 0), max(top, 0)
    right = min(left + side, box.x + box.width, image.width)
    return Region(x, y, right - x, min(top + side, image.height) - y)
