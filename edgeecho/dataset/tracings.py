"""The outlines of the left ventricle in VolumeTracings.csv, and the masks that they stand for.

    FileName, X1, Y1, X2, Y2, Frame    pixels of the video as stored, a row for each chord

The first row of a frame is the long axis, and not part of the outline. The others are short axes
from apex to annulus: the outline goes down their first ends and back up their second ends.
EchoNet-Dynamic traces two frames of each video; which is end diastole, only the areas say.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import InputError
from edgeecho.dataset.videos import bare_name

TRACINGS_FILE = "VolumeTracings.csv"
_ENDS = ("X1", "Y1", "X2", "Y2")
_COLUMNS = ("FileName", *_ENDS, "Frame")
# Points may lie beyond the picture by the width of a pixel: some tools count from a pixel's corner.
_BEYOND = 1.0

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Tracing:
    """The outline of the left ventricle in one frame."""

    frame: int
    points: NDArray[np.float64]
    """`(n, 2)` corners of a closed polygon, x and y; centres of pixels are whole numbers."""

    @property
    def area(self) -> float:
        """Of the polygon, in square pixels."""
        x, y = self.points.T
        return abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))) / 2

    def mask(self, height: int, width: int) -> Mask:
        """Pixels in the polygon or on its edge, as published: its corners are rounded first."""
        return fill_polygon(np.rint(self.points).astype(np.int64), height, width)

    def fault(self, frames: int, height: int, width: int) -> str | None:
        """Why this is no outline in a video of that size; None if it is one."""
        if not self.frame < frames:
            return "a frame that the video lacks"
        low, high = -_BEYOND, np.array([width, height]) - 1 + _BEYOND
        if np.any((self.points < low) | (self.points > high)):
            return "an outline that leaves the picture"
        if self.area == 0:
            return "an empty outline"
        if _crosses_itself(self.points):
            return "an outline that crosses itself"
        return None


def read_tracings(root: Path) -> dict[str, tuple[Tracing, ...]]:
    """The tracings of `root/VolumeTracings.csv` by video, named as in `LabelledVideo.name`.

    `InputError` for a table that is missing or cannot be read. Whether an outline makes sense,
    `Tracing.fault` says.
    """
    file = root / TRACINGS_FILE
    if not file.is_file():
        raise InputError(
            f"{root} has no {TRACINGS_FILE}: a segmentation learns from traced frames, "
            "give a data set with tracings"
        )
    chords: defaultdict[str, defaultdict[int, list[tuple[float, ...]]]]
    chords = defaultdict(lambda: defaultdict(list))
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            if missing := [c for c in _COLUMNS if c not in (reader.fieldnames or [])]:
                raise InputError(f"{file} has no column {', '.join(missing)}")
            for row in reader:
                name, frame, ends = _read_row(row, f"{file}:{reader.line_num}")
                chords[name][frame].append(ends)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{file} is not a CSV file: {error}") from error
    return {
        name: tuple(Tracing(frame, _outline(rows)) for frame, rows in frames.items())
        for name, frames in chords.items()
    }


def diastole_and_systole(tracings: Iterable[Tracing]) -> tuple[Tracing, Tracing] | None:
    """The tracings of the largest and of the smallest area; None for fewer than two."""
    by_area = sorted(tracings, key=lambda tracing: tracing.area)
    return (by_area[-1], by_area[0]) if len(by_area) > 1 else None


def fill_polygon(points: NDArray[np.int64], height: int, width: int) -> Mask:
    """Pixels `(H, W)` in a polygon or on its edge, by the rule that scikit-image's `polygon` has.

    `points` are its corners `(n, 2)`, x and y. A pixel is inside where a ray to the left or one to
    the right crosses an odd number of edges (O'Rourke, Computational Geometry in C); on an edge,
    only one of them does. `cv2.fillPoly` fills more: 2 % on a ventricle of 112x112 pixels.
    """
    mask = np.zeros((height, width), bool)
    left, top = np.maximum(points.min(axis=0), 0)
    right, bottom = np.minimum(points.max(axis=0) + 1, (width, height))
    if left >= right or top >= bottom:
        return mask
    rows, columns = np.mgrid[top:bottom, left:right]
    to_left, to_right, corner = (np.zeros(rows.shape, bool) for _ in range(3))
    for (begin_x, begin_y), (end_x, end_y) in zip(np.roll(points, 1, axis=0), points, strict=True):
        x0, y0, x1, y1 = begin_x - columns, begin_y - rows, end_x - columns, end_y - rows
        # The sign of where the edge crosses the pixel's row, seen from the pixel.
        side = (x0 * y1 - x1 * y0) * np.sign(y1 - y0)
        to_right ^= ((y0 > 0) != (y1 > 0)) & (side > 0)
        to_left ^= ((y0 < 0) != (y1 < 0)) & (side < 0)
        corner |= (x1 == 0) & (y1 == 0)
    mask[top:bottom, left:right] = to_left | to_right | corner
    return mask


def _read_row(row: Mapping[str, str | None], where: str) -> tuple[str, int, tuple[float, ...]]:
    name = (row["FileName"] or "").strip()
    try:
        ends = tuple(float(row[column] or "") for column in _ENDS)
        frame = int(row["Frame"] or "")
    except ValueError as error:
        raise InputError(f"{where}: X1, Y1, X2, Y2 and Frame must be numbers") from error
    if not name or frame < 0 or not all(map(math.isfinite, ends)):
        raise InputError(f"{where}: not a chord of a video's frame: mend or remove the row")
    return bare_name(name), frame, ends


def _outline(chords: list[tuple[float, ...]]) -> NDArray[np.float64]:
    ends = np.array(chords[1:], np.float64).reshape(-1, 4)
    return np.concatenate([ends[:, :2], ends[::-1, 2:]])


def _crosses_itself(points: NDArray[np.float64]) -> bool:
    """Whether two edges cross in more than a point that is an end of one of them."""
    along = np.roll(points, -1, axis=0) - points
    away = points[None] - points[:, None]
    # On which side of edge i corner j lies, and the corner after it.
    begin = np.sign(along[:, None, 0] * away[..., 1] - along[:, None, 1] * away[..., 0])
    apart = begin * np.roll(begin, -1, axis=1) < 0
    return bool(np.any(apart & apart.T))
