"""What a DICOM file says of the shape of its pixels."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.dicom.attributes import decimals, items, numbers


def read_aspect(dataset: Dataset) -> Aspect | None:
    """By PixelAspectRatio (vertical, horizontal size) or PixelSpacing (between rows, columns).

    PS3.3, C.7.6.3.1.7 and 10.7.1.3. None: the file says nothing that can be used.
    """
    for keyword in ("PixelAspectRatio", "PixelSpacing"):
        values = decimals(dataset, keyword)
        if len(values) == 2 and np.isfinite(values).all() and (values > 0).all():
            return Aspect(float(values[1] / values[0]), keyword)
    return None


def doubts_of_aspect(dataset: Dataset, used: Aspect | None) -> tuple[str, ...]:
    """Whether the regions' scale says otherwise, in words for the result.

    A warning and no correction: PhysicalDeltaX and PhysicalDeltaY (PS3.3, C.8.5.5) are for
    measuring, and files that were converted keep old ones.
    """
    for item in items(dataset, "SequenceOfUltrasoundRegions"):
        deltas = [numbers(item, f"PhysicalDelta{axis}") for axis in "XY"]
        units = [numbers(item, f"PhysicalUnits{axis}Direction").tolist() for axis in "XY"]
        flat = numbers(item, "RegionSpatialFormat").tolist() == [1]
        if not flat or units[0] != units[1] or any(len(delta) != 1 for delta in deltas):
            continue
        across, down = (abs(float(delta[0])) for delta in deltas)
        if across and down and not Aspect(across / down).agrees(used or SQUARE):
            return (
                f"a region's scale is {across:.3g} per pixel across and {down:.3g} down "
                "(PhysicalDeltaX, PhysicalDeltaY), but its pixels are shown as "
                f"{'square' if used is None else used.source + ' says'}: the heart may be squeezed",
            )
    return ()
