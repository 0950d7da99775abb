"""How points of the tissue move with the ventricle.

Above the mitral plane a point is named by the angle of the nearest endocardium and by its distance
from it; below, by its level between the plane, which moves, and the atria's roof, which does not.
Names are kept over the beat; so speckle follows the tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.heart import normals
from edgeecho_train.speckle.ventricle import ANGLES, NODES, Contour

Floats = NDArray[np.float64]
Places = tuple[Floats, Floats]
"""Points (u, w) of the heart frame in cm."""

_FOLLOWS_CM = 1.6
"""Distance from the wall over which the surroundings cease to follow it inwards."""
_PULLED_CM = 4.0
"""The same for the motion of the base towards the apex, which pulls the right ventricle along."""

# Headings of a leaflet at its hinge, from the annulus towards the apex, and its curvature along it.
_CLOSED, _OPEN = np.radians(38), np.radians(62)
_CURVE_CLOSED, _CURVE_OPEN = np.radians(-30), np.radians(40)


@dataclass(frozen=True, eq=False)
class Instant:
    """The heart at one instant."""

    contour: Contour
    opening: float
    """Of the mitral and tricuspid valves, 0 closed to 1 wide open."""


class Around:
    """Points of the wall and outside it.

    `share` is the position in the wall, 0 at the endocardium and 1 at the epicardium; `depth` the
    distance from the epicardium in cm, for points whose share is 1.
    """

    def __init__(self, rest: Contour, angle: Floats, share: Floats, depth: Floats) -> None:
        self._node, self._between = _nodes(angle)
        self._share, self.normal = share, normals(rest, angle)
        across, along = self.normal
        self._rest = self._wall(rest)
        self._outward = depth * across, depth * along
        self._follows = np.exp(-((depth / _FOLLOWS_CM) ** 2))
        self._pulled = np.exp(-((depth / _PULLED_CM) ** 2))

    def at(self, now: Instant) -> Places:
        (u, w), (rest_u, rest_w) = self._wall(now.contour), self._rest
        return (
            rest_u + self._follows * (u - rest_u) + self._outward[0],
            rest_w + self._pulled * (w - rest_w) + self._outward[1],
        )

    def _wall(self, contour: Contour) -> Places:
        u, w, thickness = (
            _look_up(values, self._node, self._between)
            for values in (contour.u, contour.w, contour.thickness)
        )
        inside = self._share * thickness
        return u + inside * self.normal[0], w + inside * self.normal[1]


class Cavity:
    """Points of the blood; `share` is 0 on the long axis and 1 at the endocardium."""

    def __init__(self, angle: Floats, share: Floats) -> None:
        self._node, self._between = _nodes(angle)
        self._share = share

    def at(self, now: Instant) -> Places:
        u, w = (
            _look_up(values, self._node, self._between) for values in (now.contour.u, now.contour.w)
        )
        return self._share * u, w


class Below:
    """Points below the mitral plane; `level` is 0 there and 1 at the atria's roof `top`, in cm."""

    def __init__(self, rest: Contour, top: float, u: Floats, level: Floats) -> None:
        self._plane, self._top, self._u, self._level = rest.length, top, u, level
        aside = np.maximum(np.abs(u) - 0.5 * float(np.ptp(rest.u)), 0)
        self._pulled = np.exp(-((aside / _PULLED_CM) ** 2)) * np.clip(1 - level, 0, None)
        self._rest_w = self._plane + level * (top - self._plane)

    def at(self, now: Instant) -> Places:
        return self._u, self._rest_w + self._pulled * (now.contour.length - self._plane)


class Leaflet:
    """Points at `along` (0 to 1) a leaflet of `length` cm that hangs at `hinge` on the annulus.

    It closes towards `reach`: -1 to septal, 1 to lateral.
    """

    def __init__(
        self, rest: Contour, hinge: float, reach: float, length: float, along: Floats, thick: Floats
    ) -> None:
        self._end = -1 if hinge > 0 else 0
        self._offset = hinge - float(rest.u[self._end])
        self._reach, self._length, self._along, self._thick = reach, length, along, thick

    def at(self, now: Instant) -> Places:
        start = _CLOSED + now.opening * (_OPEN - _CLOSED)
        curve = _CURVE_CLOSED + now.opening * (_CURVE_OPEN - _CURVE_CLOSED)
        heading = start + curve * self._along
        across = self._length * (np.sin(heading) - np.sin(start)) / curve
        rise = self._length * (np.cos(start) - np.cos(heading)) / curve
        # The hinges follow the annulus, which narrows with the base.
        hinge = float(now.contour.u[self._end]) + self._offset
        return (
            hinge + self._reach * across + self._thick[0],
            now.contour.length - rise + self._thick[1],
        )


def _nodes(angle: Floats) -> tuple[NDArray[np.intp], Floats]:
    """The node below each angle, and the position between it and the next."""
    place = (angle - ANGLES[0]) / (ANGLES[1] - ANGLES[0])
    node = np.clip(place.astype(np.intp), 0, NODES - 2)
    return node, place - node


def _look_up(values: Floats, node: NDArray[np.intp], between: Floats) -> Floats:
    return np.asarray(values[node] + between * np.diff(values)[node])
