"""Scatterers around the left ventricle: right ventricle, pericardium, atria, valves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.heart import Heart, normals
from edgeecho_train.speckle.motion import Around, Below, Instant, Leaflet, Places
from edgeecho_train.speckle.scatterers import (
    DENSITY,
    Echogenicity,
    Scatterers,
    diffuse,
    even_angles,
    smooth,
)
from edgeecho_train.speckle.ventricle import ANGLES, BASE, Contour

Floats = NDArray[np.float64]
Seen = Callable[[Places], NDArray[np.bool_]]

_OUTSIDE_CM = 6.5
_PERICARDIUM_CM = 0.25
_RIGHT_WALL_CM = 0.4
_RIGHT_TIP = 0.75
"""Angle from the apex in radians at which the right ventricle ends."""
_ATRIAL_WALL_CM = 0.3
_LEAFLET = 220
"""Scatterers per leaflet."""


def outside(
    heart: Heart, rest: Contour, echo: Echogenicity, seen: Seen, rng: np.random.Generator
) -> Scatterers:
    """Right ventricle and its wall on the septal side, pericardium, lung and liver."""
    angle, per_cm = even_angles(rest, _OUTSIDE_CM, rng)
    depth = rng.uniform(0, _OUTSIDE_CM, len(angle))
    place = Around(rest, angle, np.ones_like(angle), depth)
    kept = seen(place.at(Instant(rest, 0.0)))
    angle, depth = angle[kept], depth[kept]
    area = _OUTSIDE_CM / per_cm * (1 + depth * _turning(rest, angle))
    right = _right_width(heart, angle)
    beyond = np.where(right > 0, depth - right - _RIGHT_WALL_CM, depth)
    relative = echo.outside * np.exp(-np.clip(beyond, 0, None) / echo.reach_cm)
    relative = np.where(beyond < _PERICARDIUM_CM, echo.pericardium, relative)
    relative = np.where((right > 0) & (beyond < 0), 0.9, relative)
    relative = np.where(depth < right, echo.blood, relative)
    relative = relative * np.exp(0.3 * smooth(rng, angle))
    place = Around(rest, angle, np.ones_like(angle), depth)
    return diffuse(place.at, relative * np.sqrt(area))


def _right_width(heart: Heart, angle: Floats) -> Floats:
    """Width of the right ventricle in cm beside the septum at an angle; 0 elsewhere."""
    x = np.clip((-angle - _RIGHT_TIP) / (BASE - _RIGHT_TIP), 0, 1)
    return np.asarray(heart.right_cm * np.sin(0.5 * np.pi * np.clip(1.35 * x, 0, 1)) ** 0.8)


def below(
    heart: Heart, rest: Contour, echo: Echogenicity, seen: Seen, rng: np.random.Generator
) -> Scatterers:
    """The atria, their walls and what lies behind them."""
    reach, levels = 8.0, 1.8
    whole = 2 * reach * (heart.top - rest.length) * levels
    count = int(DENSITY * whole)
    u, level = rng.uniform(-reach, reach, count), rng.uniform(0, levels, count)
    kept = seen(Below(rest, heart.top, u, level).at(Instant(rest, 0.0)))
    u, level = u[kept], level[kept]
    left, right = heart.atrium_cm
    middles = (0.15, 0.15 - left / 2 - heart.septum_cm - right / 2)
    blood, distance = np.zeros(len(u), bool), np.full(len(u), np.inf)
    for middle, width in zip(middles, (left, right), strict=True):
        # The walls close in at the level of the annulus.
        x, y = (u - middle) / (width / 2), (level - 0.42) / 0.55
        uneven = 1 + 0.06 * smooth(rng, np.arctan2(x, y))
        radius = (np.abs(x) ** 2.3 + np.abs(y) ** 2.3) ** (1 / 2.3) / uneven
        blood |= radius < 1
        distance = np.minimum(distance, (radius - 1) * width / 2)
    fading = np.exp(-np.clip(distance - 0.8, 0, None) / echo.reach_cm)
    relative = np.where(distance < _ATRIAL_WALL_CM, 0.9, echo.outside * fading)
    relative = np.where(blood, echo.blood, relative)
    place = Below(rest, heart.top, u, level)
    return diffuse(place.at, relative * np.sqrt(whole / count))


def leaflets(
    heart: Heart, rest: Contour, echo: Echogenicity, rng: np.random.Generator
) -> tuple[Scatterers, ...]:
    """Mitral and tricuspid leaflets: thin, dense and bright from every side."""
    septal, lateral = float(rest.u[0]), float(rest.u[-1])
    annulus, inner = lateral - septal, septal - float(rest.thickness[0])
    anterior, posterior = heart.leaflets
    plan = (
        (septal, 1.0, anterior * annulus),
        (lateral, -1.0, posterior * annulus),
        (inner, -1.0, 0.5 * heart.right_cm),
        (inner - heart.right_cm, 1.0, 0.6 * heart.right_cm),
    )
    made = []
    for hinge, reach, length in plan:
        along, thick = rng.uniform(0, 1, _LEAFLET), rng.uniform(-0.09, 0.09, (2, _LEAFLET))
        place = Leaflet(rest, hinge, reach, length, along, thick)
        level = echo.valve * np.sqrt(0.18 * length / _LEAFLET)
        made.append(diffuse(place.at, np.full(_LEAFLET, level)))
    return tuple(made)


def _turning(rest: Contour, angle: Floats) -> Floats:
    """Turn of the normal per cm of endocardium, by which layers widen outwards."""
    step = ANGLES[1] - ANGLES[0]
    speed = np.hypot(np.gradient(rest.u, step), np.gradient(rest.w, step))
    across, along = normals(rest, ANGLES)
    turn = np.hypot(np.gradient(across, step), np.gradient(along, step))
    return np.interp(angle, ANGLES, turn / speed)
