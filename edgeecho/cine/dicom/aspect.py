"""The pixel aspect ratio of a DICOM file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.dicom.attributes import decimals, items, numbers

# Each gives the vertical, then the horizontal size of a pixel (PS3.3, C.7.6.3.1.7), or the distance
# of rows, then of columns (10.7.1.3). The most trusted comes first.
KEYWORDS = (
    "PixelAspectRatio",
    "PixelSpacing",
    "NominalScannedPixelSpacing",
    "ImagerPixelSpacing",
)


def read_aspects(dataset: Dataset) -> list[Aspect]:
    """All usable statements of the file; the first takes precedence."""
    read = {keyword: decimals(dataset, keyword) for keyword in KEYWORDS}
    return [
        Aspect(float(values[1] / values[0]), keyword)
        for keyword, values in read.items()
        if len(values) == 2 and np.isfinite(values).all() and (values > 0).all()
    ]


def doubts_of_aspect(dataset: Dataset, said: Sequence[Aspect]) -> tuple[str, ...]:
    """Notes for the result on everything that contradicts the first of what was `said`."""
    against = [note for other in said[1:] for note in said[0].against(other)]
    return (*against, *_scales(dataset, said[0] if said else None))


def _scales(dataset: Dataset, used: Aspect | None) -> tuple[str, ...]:
    """Compare the regions' PhysicalDeltaX and PhysicalDeltaY (PS3.3, C.8.5.5).

    They give a warning and no correction: they are meant for measuring, and converted files keep
    old values.
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
