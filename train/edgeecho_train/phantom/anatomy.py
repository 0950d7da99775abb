"""Echo levels of the four chambers on the polar grid, and speckle that moves with the tissue.

Structures are painted one over another. The left ventricle comes last, so that no other chamber can
cover its wall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeecho_train.phantom.arrays import Image, angle, ellipse, magnitude, paint
from edgeecho_train.phantom.geometry import Heart, Ventricle, at_volume, outline
from edgeecho_train.phantom.view import View

# Echo levels in dB below a specular reflector across the beam.
_BLOOD = -59.0
_BACKGROUND = -38.5
_MYOCARDIUM = -21.0
_FACING_GAIN = 6.0
_SEPTUM_GAIN = 3.0
_LEAFLET = -9.0
_ANNULUS = -7.0
_PERICARDIUM = -6.0
_ATRIAL_WALL = -13.0
_RIGHT_WALL = -16.0
_FAR_WALL = -11.0

_OUTLINE_STEPS = 512
_CELLS_PER_CM = 24
_WALL_ARC_CM = 5.0
"""Length of wall texture per radian, about the wall's mean radius of curvature."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Sample positions of the polar image, arrays (samples, beams) in cm of the probe frame."""

    x: Image
    z: Image
    coarse: Image
    """Slowly varying standard normal field for regional differences of tissue."""
    fine: Image
    """A standard normal field at the scale of muscle bundles."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What the beam meets at one instant, in arrays (samples, beams)."""

    level_db: Image
    texture_x: Image
    texture_y: Image
    """Position of each sample in the tissue's own texture, in texture cells."""


@dataclass(frozen=True, eq=False)
class _Place:
    """Position of each sample relative to the left ventricle, in arrays (samples, beams)."""

    u: Image
    w: Image
    below: Image
    """Distance in cm below the annulus plane; negative in the ventricle."""
    across: Image
    along: Image
    """Coordinates of the ellipsoid: the endocardium is across^2 + along^2 = 1."""
    inner: Image
    """1 on the endocardium, 0 in the centre."""
    outer: Image
    """1 on the epicardium."""


class Anatomy:
    """A heart in a view; a scene depends only on its instant."""

    def __init__(self, heart: Heart, view: View, grid: Grid) -> None:
        self._heart = heart
        self._view = view
        self._grid = grid
        self._relaxed = at_volume(heart, 1.0)
        self._cos, self._sin = math.cos(view.tilt), math.sin(view.tilt)
        self._axis_u = grid.x * self._cos - grid.z * self._sin
        self._axis_w = grid.x * self._sin + grid.z * self._cos
        self._range = magnitude(grid.x, grid.z)
        self._background = _BACKGROUND + 7 * grid.coarse
        self._blood = _BLOOD + 3 * grid.coarse
        self._muscle = _MYOCARDIUM + 2.5 * grid.fine + 3 * grid.coarse

    def scene(self, lv: Ventricle, time_s: float, opening: float, atrium: float) -> Scene:
        """Levels and texture positions at `time_s` from the start of the clip.

        `opening` of the valves runs from 0 to 1; `atrium` scales the atria about their mean.
        """
        place = self._place(lv, time_s)
        level = self._background.copy()
        self._paint_right_heart(level, lv, place, atrium)
        self._paint_left_atrium(level, place, atrium)
        self._paint_left_ventricle(level, lv, place)
        self._paint_valves(level, lv, place, opening)
        return Scene(level, *self._texture(lv, place))

    def _place(self, lv: Ventricle, time_s: float) -> _Place:
        x, z = self._view.apex(time_s)
        u = self._axis_u - (x * self._cos - z * self._sin)
        w = self._axis_w - (x * self._sin + z * self._cos + lv.apical_wall)
        outlined = outline(self._heart, lv.relaxation, np.linspace(0, 1, _OUTLINE_STEPS))
        step = np.clip(w * ((_OUTLINE_STEPS - 1) / lv.length) + 0.5, 0, _OUTLINE_STEPS - 1)
        side = np.where(u > 0, np.int32(_OUTLINE_STEPS), np.int32(0))
        radius = (outlined.ravel() * lv.radius).astype(np.float32)
        across = u / radius[step.astype(np.int32) + side]
        along = w * (1 / lv.semi_axis) - 1
        return _Place(
            u=u,
            w=w,
            below=w - lv.length,
            across=across,
            along=along,
            inner=magnitude(across, along),
            outer=magnitude(
                u * (1 / lv.outer_radius), along * (lv.semi_axis / _outer_semi_axis(lv))
            ),
        )

    def _paint_right_heart(self, level: Image, lv: Ventricle, place: _Place, atrium: float) -> None:
        heart = self._heart
        half_width = 1.7 * heart.atrium
        chamber = ellipse(
            place.u + (_outer_base(lv) + 1.03 * half_width),
            place.below - half_width,
            half_width * atrium,
            1.24 * half_width * atrium,
        )
        chamber = np.maximum(chamber, -place.below)
        paint(level, chamber - 0.22, _ATRIAL_WALL)
        paint(level, chamber, self._blood)

        # A crescent on the septum, widest halfway down, that narrows a little in systole.
        start = 0.2 * lv.length
        along = np.maximum(place.w - start, 0) * (1 / (lv.length - start))
        squeeze = 0.7 + 0.3 * (lv.length / heart.length_cm) ** 2
        width = 3.9 * heart.right_heart * squeeze
        gap = np.sqrt(np.maximum(along * (1.15 - along), 0)) * width
        height = np.clip(place.along * (lv.semi_axis / _outer_semi_axis(lv)), -1, 0.5)
        septum = np.sqrt(1 - height * height) * lv.outer_radius
        free_wall = -place.u - septum - gap
        ends = np.maximum(np.maximum(start - place.w, place.below), place.u)
        paint(level, np.maximum(free_wall - 0.35, ends - 0.1), _RIGHT_WALL)
        paint(level, np.maximum(free_wall, ends), self._blood)

    def _paint_left_atrium(self, level: Image, place: _Place, atrium: float) -> None:
        height, half_width = 2.3 * self._heart.atrium * atrium, 2.1 * self._heart.atrium * atrium
        down = place.below - 0.75 * height
        # Behind the atrium the beam meets the oesophagus, the aorta and the spine.
        behind = np.abs(ellipse(place.u, down, 2.2 * half_width, 1.15 * height) - 0.25) - 0.2
        paint(level, np.maximum(behind, 0.7 * height - down), _FAR_WALL + 4 * self._grid.coarse)
        chamber = np.maximum(ellipse(place.u, down, half_width, height), -place.below)
        paint(level, chamber - 0.22, _ATRIAL_WALL)
        paint(level, chamber, self._blood)

    def _paint_left_ventricle(self, level: Image, lv: Ventricle, place: _Place) -> None:
        epicardium = (place.outer - 1) * lv.outer_radius
        pericardium = np.maximum(np.abs(epicardium - 0.12) - 0.13, 0.25 - place.u)
        paint(level, np.maximum(pericardium, place.below - 0.2), _PERICARDIUM)
        # A wall across the beam reflects more than one along it: the usual lateral drop-out.
        normal_u = place.u * (1 / lv.radius**2)
        normal_w = place.along * (1 / lv.semi_axis)
        facing = np.abs(normal_u * self._axis_u + normal_w * self._axis_w)
        facing /= magnitude(normal_u, normal_w) * self._range + 1e-6
        muscle = self._muscle + facing * _FACING_GAIN
        muscle += np.where(place.u < 0, np.float32(_SEPTUM_GAIN), np.float32(0))
        paint(level, np.maximum(epicardium, place.below), muscle)
        paint(level, np.maximum((place.inner - 1) * lv.radius, place.below), self._blood)

    def _paint_valves(self, level: Image, lv: Ventricle, place: _Place, opening: float) -> None:
        ring = lv.annulus_radius
        right = -(_outer_base(lv) + 0.1)
        reach = 1.9 * self._heart.right_heart
        # Closed leaflets dome a little towards the ventricle.
        swing = math.radians(8 + 62 * opening)
        for hinge, towards, length in (
            (-ring, 1, 1.15 * ring),
            (ring, -1, 0.95 * ring),
            (right, -1, reach),
            (right - 1.9 * reach, 1, reach),
        ):
            du, dw = towards * math.cos(swing), -math.sin(swing)
            from_hinge = place.u - hinge
            reached = np.clip(from_hinge * du + place.below * dw, 0, length)
            distance = magnitude(from_hinge - reached * du, place.below - reached * dw)
            paint(level, distance - 0.11, _LEAFLET)
        for hinge in (-ring - 0.25, ring + 0.25):
            paint(level, magnitude(place.u - hinge, place.below) - 0.33, _ANNULUS)

    def _texture(self, lv: Ventricle, place: _Place) -> tuple[Image, Image]:
        # In the wall: depth in the wall and angle around the cavity, which stay with the muscle.
        span = np.maximum(place.inner - place.outer, 1e-3)
        depth = np.clip((place.inner - 1) / span, 0, 1) * self._heart.wall_cm
        arc = angle(place.along, place.across) * _WALL_ARC_CM
        # Around it: tissue that follows the epicardium less and less with distance.
        grip = 1 / np.maximum(place.outer, 1) ** 2
        stretch_u = self._relaxed.outer_radius / lv.outer_radius - 1
        stretch_w = self._relaxed.length / lv.length - 1
        in_wall = place.outer < 1
        x = np.where(in_wall, depth, place.u * (1 + stretch_u * grip))
        y = np.where(in_wall, arc, (place.w + lv.apical_wall) * (1 + stretch_w * grip))
        return x * _CELLS_PER_CM, y * _CELLS_PER_CM


def _outer_semi_axis(lv: Ventricle) -> float:
    return lv.semi_axis + lv.apical_wall


def _outer_base(lv: Ventricle) -> float:
    """Approximate half width of the epicardium at the annulus plane, in cm."""
    return 0.87 * lv.outer_radius
