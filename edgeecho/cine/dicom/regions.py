"""The ultrasound regions of a DICOM file that show 2D tissue."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.dicom.attributes import items, numbers
from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.cine.types import Region

_CORNERS = tuple(f"RegionLocation{corner}" for corner in ("MinX0", "MinY0", "MaxX1", "MaxY1"))


def read_regions(
    dataset: Dataset, height: int, width: int, aspect: Aspect = SQUARE
) -> tuple[Region, ...]:
    """Regions of 2D tissue, clipped to an image of that size; those outside it are left out.

    Input sizes are in stored pixels, whose `aspect` is given; the result is in square pixels.

    SequenceOfUltrasoundRegions (PS3.3, C.8.5.5): RegionSpatialFormat 1 is 2D, RegionDataType 1 is
    tissue, and the corner pixels belong to the region.
    """
    try:
        found = [tissue(item) for item in items(dataset, "SequenceOfUltrasoundRegions")]
    except DAMAGE:
        return ()
    clipped = [region.inside(height, width) for region in found if region is not None]
    down, across = np.array(aspect.square(height, width)) / (height, width)
    return tuple(region.scaled(down, across) for region in clipped if region is not None)


def tissue(item: Dataset) -> Region | None:
    """The item's region in stored pixels; None if it is no 2D tissue or has no valid corners."""
    kinds = [numbers(item, key) for key in ("RegionSpatialFormat", "RegionDataType")]
    corners = [numbers(item, key) for key in _CORNERS]
    if any(len(value) != 1 for value in (*kinds, *corners)) or any(kind[0] != 1 for kind in kinds):
        return None
    left, top, right, bottom = (int(corner[0]) for corner in corners)
    if min(left, top) < 0 or right < left or bottom < top:
        return None
    return Region(left, top, right - left + 1, bottom - top + 1)
