"""The rest of the heart around the ventricle, and how a point of it moves with the ventricle.

Above the mitral plane a point is named by the angle of the nearest endocardium and by its distance
from it; below, by its level between the plane, which moves, and the atria's roof, which does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.ventricle import ANGLES, BASE, Contour, Region, Ventricle

Floats = NDArray[np.float64]

_FOLLOWS_CM = 1.6
"""Distance from the wall over which the surroundings cease to follow it inwards."""
_PULLED_CM = 4.0
"""The same for the motion of the base towards the apex, which pulls the right ventricle along."""

# Headings of a leaflet at its hinge, from the annulus towards the apex, and its curvature along it.
_CLOSED, _OPEN = np.radians(38), np.radians(62)
_CURVE_CLOSED, _CURVE_OPEN = np.radians(-30), np.radians(40)


@dataclass(frozen=True)
class Heart:
    """Sizes in cm; nothing here depends on the ejection fraction."""

    ventricle: Ventricle
    right_cm: float
    """Largest width of the right ventricle at end diastole."""
    atrium_cm: tuple[float, float]
    """Widths of the left and of the right atrium."""
    roof_cm: float
    """Height of the atria at end diastole."""
    septum_cm: float
    """Thickness of the septum between the atria."""
    leaflets: tuple[float, float]
    """Lengths of the anterior and the posterior mitral leaflet, in widths of the annulus."""

    @property
    def top(self) -> float:
        """Where the atria end, on the long axis in cm; it does not move."""
        return self.ventricle.length_cm + self.roof_cm


@dataclass(frozen=True, eq=False)
class Instant:
    """The heart at one instant."""

    contour: Contour
    rest: Contour
    """At end diastole, where points got their names."""
    top: float
    opening: float
    """Of the mitral and tricuspid valves, 0 closed to 1 wide open."""

    def around(self, angle: Floats, depth: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Points of the wall and outside it, as (u, w) in cm.

        `share` is the position in the wall, 0 at the endocardium and 1 at the epicardium; `depth`
        the distance from the epicardium in cm, for points whose share is 1.
        """
        (u, w), (rest_u, rest_w) = (self._wall(c, angle, share) for c in (self.contour, self.rest))
        follows = np.exp(-((depth / _FOLLOWS_CM) ** 2))
        pulled = np.exp(-((depth / _PULLED_CM) ** 2))
        across, along = normals(self.rest, angle)
        return (
            rest_u + follows * (u - rest_u) + depth * across,
            rest_w + pulled * (w - rest_w) + depth * along,
        )

    def cavity(self, angle: Floats, share: Floats) -> tuple[Floats, Floats]:
        """Points of the blood, as (u, w); `share` is 0 on the long axis, 1 at the endocardium."""
        u, w = (np.interp(angle, ANGLES, c) for c in (self.contour.u, self.contour.w))
        return share * u, w

    def below(self, u: Floats, level: Floats) -> tuple[Floats, Floats]:
        """Points below the mitral plane, as (u, w); `level` is 0 there, 1 at the atria's roof."""
        aside = np.maximum(np.abs(u) - 0.5 * float(np.ptp(self.rest.u)), 0)
        pulled = np.exp(-((aside / _PULLED_CM) ** 2))
        plane = self.rest.length + pulled * (self.contour.length - self.rest.length)
        height = np.where(level < 1, self.top - plane, self.top - self.rest.length)
        base = np.where(level < 1, plane, self.rest.length)
        return u, base + level * height

    def leaflet(
        self, hinge_u: float, reach: float, along: Floats, length: float
    ) -> tuple[Floats, Floats]:
        """Points at `along` (0 to 1) a leaflet of `length` cm, as (u, w).

        It hangs at `hinge_u` and closes towards `reach` (-1 to septal, 1 to lateral).
        """
        start = _CLOSED + self.opening * (_OPEN - _CLOSED)
        curve = _CURVE_CLOSED + self.opening * (_CURVE_OPEN - _CURVE_CLOSED)
        across = (np.sin(start + curve * along) - np.sin(start)) / curve
        rise = -(np.cos(start + curve * along) - np.cos(start)) / curve
        return hinge_u + reach * length * across, self.contour.length - length * rise

    def shift(self, u: float) -> float:
        """How far a hinge of a valve at `u` has moved across since end diastole, in cm."""
        end = -1 if u > 0 else 0
        return float(self.contour.u[end] - self.rest.u[end])

    def _wall(self, contour: Contour, angle: Floats, share: Floats) -> tuple[Floats, Floats]:
        u, w, thickness = (
            np.interp(angle, ANGLES, c) for c in (contour.u, contour.w, contour.thickness)
        )
        across, along = normals(self.rest, angle)
        return u + share * thickness * across, w + share * thickness * along


def normals(rest: Contour, angle: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (u, w) out of the ventricle; never downwards, so that the atria stay clear."""
    width, height = float(np.ptp(rest.u)) / 2, rest.length / (1 - np.cos(BASE))
    across, along = np.sin(angle) / width, np.minimum(-np.cos(angle) / height, 0)
    size = np.hypot(across, along)
    return across / size, along / size


def draw_heart(rng: np.random.Generator) -> Heart:
    """A heart of an adult; chamber sizes around those of Lang et al., JASE 2015;28:1."""
    width = float(rng.uniform(4.0, 5.9))
    ventricle = Ventricle(
        length_cm=float(np.clip(width * rng.uniform(1.5, 1.95), 6.8, 10.2)),
        width_cm=width,
        wall_cm=float(rng.uniform(0.75, 1.25)),
        roundness=float(rng.uniform(1.9, 2.6)),
        bend_cm=float(rng.uniform(-0.25, 0.25)),
        shortening=float(rng.uniform(0.18, 0.36)),
        thickening=float(rng.uniform(0.5, 0.9)),
        bumps=(
            Region(-1, 0.8, float(rng.uniform(0.12, 0.2)), float(rng.uniform(-0.2, 0.05))),
            *_regions(rng, 2, 0.09),
        ),
        motion=(*_regions(rng, 3, 0.25), *_akinetic(rng)),
    )
    return Heart(
        ventricle=ventricle,
        right_cm=float(rng.uniform(2.0, 3.6)),
        atrium_cm=(float(rng.uniform(3.2, 4.8)), float(rng.uniform(3.0, 4.5))),
        roof_cm=float(rng.uniform(3.6, 5.2)),
        septum_cm=float(rng.uniform(0.25, 0.5)),
        leaflets=(float(rng.uniform(0.6, 0.75)), float(rng.uniform(0.4, 0.5))),
    )


def _regions(rng: np.random.Generator, count: int, amount: float) -> tuple[Region, ...]:
    return tuple(
        Region(
            side=1 if rng.uniform() < 0.5 else -1,
            level=float(rng.uniform(0.25, 0.9)),
            spread=float(rng.uniform(0.12, 0.25)),
            amount=float(rng.uniform(-amount, amount)),
        )
        for _ in range(count)
    )


def _akinetic(rng: np.random.Generator) -> tuple[Region, ...]:
    """In one heart of six, a region that hardly moves, as after an infarction."""
    if rng.uniform() > 1 / 6:
        return ()
    side = 1 if rng.uniform() < 0.5 else -1
    level, spread = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.1, 0.16))
    return (Region(side, level, spread, float(rng.uniform(-0.8, -0.4))),)
