"""The size of a pixel, by a DICOM file's ultrasound regions."""

from __future__ import annotations

import math

import numpy as np
from pydicom.dataset import Dataset

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.dicom.attributes import items, numbers
from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.cine.dicom.regions import tissue

# PS3.3, C.8.5.5.1.17: the unit of a direction is cm.
_CM = 3
# Depths in mm that a region of a heart can have: a newborn's fills 30 mm, and no echo comes back
# from half a metre.
_DEPTHS = (20.0, 500.0)


def read_scale(
    dataset: Dataset, height: int, width: int, aspect: Aspect = SQUARE
) -> tuple[float | None, str | None]:
    """Side in mm of a pixel that was made square, and why what the file says of it is not used.

    `height` and `width` of the stored picture are in stored pixels, whose `aspect` is given. Both
    are None if the file says nothing.
    """
    down, across = np.array(aspect.square(height, width)) / (height, width)
    sides: list[float] = []
    try:
        for item in items(dataset, "SequenceOfUltrasoundRegions"):
            region = tissue(item)
            delta = _delta_mm(item)
            if region is None or delta is None or region.inside(height, width) is None:
                continue
            # A pixel that was stretched is shown by several.
            x, y = delta[0] / across, delta[1] / down
            if region.inside(height, width) != region:
                # Files that were scaled down keep their regions (see `find_sector`).
                return None, _unused("its region reaches outside the picture")
            if not min(x, y) > 0:
                return None, _unused("it is not positive")
            if not Aspect(x / y).agrees(SQUARE):
                return None, _unused(f"{x:.3g} mm across and {y:.3g} mm down are not square")
            depth = region.height * down * y
            if not _DEPTHS[0] <= depth <= _DEPTHS[1]:
                return None, _unused(f"the picture would be {depth:.3g} mm deep")
            sides.append(math.sqrt(x * y))
    except DAMAGE:
        return None, None
    if not sides:
        return None, None
    if not Aspect(max(sides) / min(sides)).agrees(SQUARE):
        return None, _unused(f"regions say {min(sides):.3g} and {max(sides):.3g} mm")
    return float(np.mean(sides)), None


def _delta_mm(item: Dataset) -> tuple[float, float] | None:
    """Size of a stored pixel in mm, across and down; None if the item does not say it."""
    units = [numbers(item, f"PhysicalUnits{axis}Direction") for axis in "XY"]
    deltas = [numbers(item, f"PhysicalDelta{axis}") for axis in "XY"]
    if any(unit.tolist() != [_CM] for unit in units) or any(len(delta) != 1 for delta in deltas):
        return None
    across, down = (10 * float(delta[0]) for delta in deltas)
    return across, down


def _unused(why: str) -> str:
    return f"the size of a pixel (PhysicalDeltaX, PhysicalDeltaY) is not used: {why}"
