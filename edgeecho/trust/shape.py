"""The shape of what is lit: a sector has one tip, two like sides, and an arc about its tip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.trust.picture import LIT, Floats

Line = tuple[float, float]
"""Slope in columns per row, and column in row 0."""
Mask = NDArray[np.uint8]
"""`(S, S)`, 0 or 1."""

# Share of the picture's side: dark chambers and shadows narrower than this are closed.
_CLOSED = 0.13
# Strokes of letters and of an ECG, and islands such as letters, in shares of side and area.
_THIN = 0.045
_SMALL = 0.012
# Two columns so far apart, in shares of the side, are not of one tip.
_ELSEWHERE = 0.1
# Straight sides are fitted between the blunt tip and the corner, in shares of their height.
_SIDES = (0.05, 0.95)
_LEAST_ROWS = 8
# In columns per row: below it the sides are parallel, and meet nowhere.
_LEAST_SLOPE = 0.1
# Columns that closing rounds off at either corner.
_CORNER = 3
# The arc is trusted if what is kept of it lies this close to an ellipse, in shares of the picture's
# side, and spans this much of its half width.
_MOST_OFF = 0.009
_LEAST_SPAN = 0.7
_LEAST_KEPT = 0.6


@dataclass(frozen=True)
class ShapeSignals:
    """Measurements of the lit area, its dark chambers filled."""

    lopsided: float
    """Difference of the areas left and right of the tip, as a share of both, 0 to 1."""
    aspect: float | None
    """Width of a pixel as shown, as a multiple of its height: below 1, the picture was squeezed.
    None if no arc is seen that would show it."""

    half_angle: float | None
    """Angle from straight down of the side that opens more, in degrees; a shadow at the other does
    not change it. None if no straight sides are seen."""

    @classmethod
    def of(cls, mean: Floats) -> ShapeSignals | None:
        """Measure the mean grey of a video, `(S, S)`; None if nothing is lit."""
        bright = _opened((mean > LIT).astype(np.uint8), 3)
        whole, bare = _filled(bright), _filled(_without_overlays(bright))
        if whole is None or bare is None:
            return None
        hull = np.zeros_like(bare)
        cv2.fillConvexPoly(hull, cv2.convexHull(cv2.findNonZero(bare)), 1)
        sides = _sides(hull)
        return cls(
            lopsided=_lopsided(whole, _tip(whole, bare)),
            aspect=_aspect(hull, sides) if sides else None,
            half_angle=_half_angle(sides) if sides else None,
        )


def _opened(mask: Mask, width: int) -> Mask:
    """Without what is thinner than `width` pixels."""
    kernel = np.ones((width, width), np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)


def _without_overlays(bright: Mask) -> Mask:
    """What is lit without thin or small things beside it."""
    width = max(round(_THIN * len(bright)), 1)
    _, parts, sizes, _ = cv2.connectedComponentsWithStats(_opened(bright, width))
    large = (sizes[:, cv2.CC_STAT_AREA] >= _SMALL * bright.size) & (np.arange(len(sizes)) > 0)
    kept = cv2.dilate(large[parts].astype(np.uint8), np.ones((width, width), np.uint8))
    return np.asarray(bright * kept, np.uint8)


def _filled(lit: Mask) -> Mask | None:
    """The largest connected area, closed and without holes; None if nothing is lit."""
    width = max(round(_CLOSED * len(lit)), 3) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    # Beyond the picture, closing would otherwise take everything for lit.
    padded = cv2.copyMakeBorder(lit, width, width, width, width, cv2.BORDER_CONSTANT)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[width:-width, width:-width]
    outlines, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    filled = np.zeros_like(lit)
    cv2.drawContours(filled, [max(outlines, key=cv2.contourArea)], 0, 1, cv2.FILLED)
    return np.asarray(filled, np.uint8)


def _lopsided(lit: Mask, tip: float) -> float:
    columns = np.nonzero(lit)[1]
    left, right = float(np.sum(columns < tip)), float(np.sum(columns > tip))
    return abs(left - right) / max(left + right, 1.0)


def _tip(whole: Mask, bare: Mask) -> float:
    """Column of the tip, which is not that of a letter that touches the sector."""
    tip, other = _highest(whole), _highest(bare)
    return other if abs(tip - other) > _ELSEWHERE * len(whole) else tip


def _highest(lit: Mask) -> float:
    """Column of the tip: of the widest, if several are as high."""
    top = int(lit.any(axis=1).argmax())
    high = lit[top : top + max(len(lit) // 28, 1)].any(axis=0)
    ends = np.flatnonzero(np.diff(np.pad(high, 1).astype(np.int8))).reshape(-1, 2)
    first, last = ends[np.argmax(ends[:, 1] - ends[:, 0])]
    return float(first + last - 1) / 2


def _sides(hull: Mask) -> tuple[Line, Line] | None:
    """The straight left and right side, if they are long enough."""
    rows = np.flatnonzero(hull.any(axis=1))
    left = hull[rows].argmax(axis=1)
    right = hull.shape[1] - 1 - hull[rows, ::-1].argmax(axis=1)
    lines = []
    for side, corner in ((left, left.argmin()), (right, right.argmax())):
        first, last = (round(share * int(corner)) for share in _SIDES)
        if last - first < _LEAST_ROWS:
            return None
        slope, start = np.polyfit(rows[first:last], side[first:last], 1)
        lines.append((float(slope), float(start)))
    return lines[0], lines[1]


def _half_angle(sides: tuple[Line, Line]) -> float:
    return math.degrees(math.atan(max(-sides[0][0], sides[1][0])))


def _aspect(hull: Mask, sides: tuple[Line, Line]) -> float | None:
    """From the arc, at a depth of z below the tip: z^2 + (x / aspect)^2 is the same everywhere."""
    size = len(hull)
    (left, start), (right, end) = sides
    if right - left < _LEAST_SLOPE:
        return None
    tip = (start - end) / (right - left)
    columns = np.flatnonzero(hull.any(axis=0))
    bottom = size - 1 - hull[::-1, columns].argmax(axis=0)
    # Where the picture ends is no arc.
    seen = bottom < size - 2
    seen[:_CORNER] = seen[-_CORNER:] = False
    x, z = columns[seen] - (left * tip + start), bottom[seen] - tip
    return _fit_arc(x, z, size) if len(x) >= _LEAST_ROWS else None


def _fit_arc(x: Floats, z: Floats, size: int) -> float | None:
    """Least squares, three times without what lies above the arc, where the picture is dark."""
    kept = np.ones(len(x), bool)
    for _ in range(3):
        terms = np.stack([np.ones(kept.sum()), np.square(x[kept])], axis=1)
        (radius2, slope), *_ = np.linalg.lstsq(terms, np.square(z[kept]), rcond=None)
        off = np.sqrt(np.maximum(radius2 + slope * np.square(x), 1)) - z
        spread = np.sqrt(np.mean(np.square(off[kept])))
        if spread < _MOST_OFF * size:
            break
        kept = off < max(spread, _MOST_OFF * size)
        if kept.sum() < _LEAST_KEPT * len(x):
            return None
    if spread >= _MOST_OFF * size or slope >= 0:
        return None
    aspect = 1 / np.sqrt(-slope)
    wide = np.ptp(x[kept]) >= _LEAST_SPAN * aspect * np.sqrt(radius2)
    return float(aspect) if wide else None
