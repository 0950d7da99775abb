"""The long axis of a left ventricle's mask, and its volume from one plane.

Masks alone decide where the long axis lies:

1. The mitral plane is the side of the mask that is flat while the mask is long across it: of all
   directions the one where (width of the side) x (length across it)^3 is largest. Of a video's
   masks all have a say in which side that is; each then looks at no other side than that.
2. The apex is the point of the outline that is furthest from the middle of the mitral plane.
3. The long axis is the line through both, as long as the mask is in a narrow strip along it.

Lengths are in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.beats.quality import inner_edge

DISCS = 20
_DIRECTIONS = 120
_ANGLES = np.arange(_DIRECTIONS) * (2 * math.pi / _DIRECTIONS)
# Depth of a side, and half the width of the strip along the axis, as shares of the square root of
# the area: more than the steps of pixels and of a jagged outline, less than the curve of an apex.
_SIDE, _STRIP = 0.06, 0.06
# Of a video, every n-th mask says which side is the mitral plane, so that at most this many do.
_VOTERS = 40
# A heart turns in the plane by less than this from frame to frame, in radians.
_TURNS = math.pi / 6
# The apex is the middle of the outline's points that are this many pixels less far, or closer.
_NEARLY = 1.0
# Each pixel is cut into this many squares a side, so that volumes do not depend on the rotation.
_FINE = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """Size of a mask in one plane, in pixels, square pixels and cubic pixels.

    Volumes in cubic pixels are relative: they can be compared within a video. cm and mL are None if
    the size of a pixel is not known.
    """

    area: float
    long_axis: float
    simpson: float
    """Volume by 20 round discs of equal height, perpendicular to the long axis."""
    area_length: float
    """Volume by 8 A^2 / (3 pi L)."""
    base: tuple[float, float]
    """Middle of the mitral plane, x and y; centres of pixels are whole numbers."""
    apex: tuple[float, float]
    spacing_mm: float | None = None
    """Side of a pixel."""

    @property
    def area_cm2(self) -> float | None:
        return self._scaled(self.area, 2)

    @property
    def long_axis_cm(self) -> float | None:
        return self._scaled(self.long_axis, 1)

    @property
    def simpson_ml(self) -> float | None:
        return self._scaled(self.simpson, 3)

    @property
    def area_length_ml(self) -> float | None:
        return self._scaled(self.area_length, 3)

    def _scaled(self, size: float, power: int) -> float | None:
        return None if self.spacing_mm is None else size * (self.spacing_mm / 10) ** power


def base_direction(masks: NDArray[np.bool_]) -> float | None:
    """Where the mitral plane of a video's masks `(T, H, W)` is, seen from the apex, in radians.

    A mask that has run into the atrium, or ends at the leaflets, can have its flattest side at the
    apex; most masks have it at the mitral plane. None if all masks are empty.
    """
    votes = np.zeros(_DIRECTIONS)
    for mask in masks[:: 1 + len(masks) // _VOTERS]:
        if mask.any():
            fit = _Sides.of(_outline_points(mask), math.sqrt(mask.sum())).fit
            votes += fit / fit.max() if fit.any() else 0
    return float(_ANGLES[np.argmax(votes)]) if votes.any() else None


def shape_of(
    mask: NDArray[np.bool_], spacing_mm: float | None = None, towards: float | None = None
) -> Shape:
    """Long axis and volumes of one mask `(H, W)`, which must not be empty; see `Shape`.

    `towards` is the `base_direction` of the video; without it this mask alone decides.
    """
    inside = _fine_points(mask)
    area = len(inside) / _FINE**2
    base, apex = _ends(_outline_points(mask), math.sqrt(area), towards)
    length = float(np.linalg.norm(base - apex))
    along = (base - apex) / length if length else np.array([0.0, 1.0])
    x, y = (inside - apex).T
    u, w = y * along[0] - x * along[1], x * along[0] + y * along[1]

    half = max(_STRIP * math.sqrt(area), 1.0)
    # How much of each square lies in the strip.
    covered = np.clip((half - np.abs(u)) * _FINE + 0.5, 0, 1)
    length = float(covered.sum()) / _FINE**2 / (2 * half)
    start = float(np.sum(w * covered) / covered.sum()) - length / 2
    # What lies beyond the ends of a slanting side belongs to the first and the last disc.
    disc = np.clip((w - start) * (DISCS / length), 0, DISCS - 1).astype(np.intp)
    areas = np.bincount(disc, minlength=DISCS) / _FINE**2
    height = length / DISCS
    return Shape(
        area=area,
        long_axis=length,
        simpson=float(math.pi / 4 * np.sum((areas / height) ** 2) * height),
        area_length=8 * area**2 / (3 * math.pi * length),
        base=_point(apex + along * (start + length)),
        apex=_point(apex + along * start),
        spacing_mm=spacing_mm,
    )


@dataclass(frozen=True, eq=False)
class _Sides:
    """The sides of an outline, one for each of `_ANGLES`."""

    outwards: Floats
    """`(2, n)` unit vectors across them."""
    sideways: Floats
    level: Floats
    """How far out each is."""
    left: Floats
    right: Floats
    """Its ends along `sideways`."""
    fit: Floats
    """How much it looks like a mitral plane."""

    @staticmethod
    def of(outline: Floats, scale: float) -> _Sides:
        outwards = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)])
        sideways = np.stack([-outwards[1], outwards[0]])
        out, side = outline @ outwards, outline @ sideways
        in_side = out >= out.max(axis=0) - _SIDE * scale
        left = np.where(in_side, side, np.inf).min(axis=0)
        right = np.where(in_side, side, -np.inf).max(axis=0)
        level = np.where(in_side, out, 0).sum(axis=0) / in_side.sum(axis=0)
        fit = (right - left) * np.ptp(out, axis=0) ** 3
        return _Sides(outwards, sideways, level, left, right, fit)


def _ends(outline: Floats, scale: float, towards: float | None) -> tuple[Floats, Floats]:
    """Middle of the mitral plane and apex, from the points of the outline."""
    sides = _Sides.of(outline, scale)
    fit = sides.fit
    if towards is not None:
        fit = np.where(np.cos(_ANGLES - towards) >= math.cos(_TURNS) - 1e-9, fit, -1)
    best = int(np.argmax(fit))
    middle = (sides.left[best] + sides.right[best]) / 2
    base = sides.level[best] * sides.outwards[:, best] + middle * sides.sideways[:, best]
    away = np.linalg.norm(outline - base, axis=1)
    return base, outline[away >= away.max() - _NEARLY].mean(axis=0)


def _outline_points(mask: NDArray[np.bool_]) -> Floats:
    """Centres `(n, 2)` of the pixels on the mask's edge, as x, y."""
    rows, columns = np.nonzero(inner_edge(mask))
    return np.stack([columns, rows], axis=1).astype(np.float64)


def _fine_points(mask: NDArray[np.bool_]) -> Floats:
    """Centres `(n, 2)` of the squares into which the mask's pixels are cut, as x, y."""
    rows, columns = np.nonzero(mask)
    parts = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    x = columns[:, None, None] + parts[None, None, :]
    y = rows[:, None, None] + parts[None, :, None]
    return np.stack(np.broadcast_arrays(x, y), axis=-1).reshape(-1, 2)


def _point(xy: Floats) -> tuple[float, float]:
    return float(xy[0]), float(xy[1])
