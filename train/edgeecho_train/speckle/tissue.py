"""Point scatterers of every tissue, named by material coordinates so that they move with it.

Amplitudes are relative to the myocardium's, per square root of area: speckle of many scatterers in
a resolution cell depends on their mean power alone (Wagner et al., IEEE Trans Sonics Ultrason
1983;30:156). Interfaces have a second, specular part, strong where the beam meets them head on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.heart import Heart, normals
from edgeecho_train.speckle.motion import Around, Below, Cavity, Instant, Leaflet, Places
from edgeecho_train.speckle.ventricle import ANGLES, BASE, Contour

Floats = NDArray[np.float64]
Place = Callable[[Instant], Places]
Seen = Callable[[Places], NDArray[np.bool_]]

DENSITY = 260.0
"""Scatterers per square centimetre: ten or more in a resolution cell."""
_BLOOD_DENSITY = 90.0
_OUTSIDE_CM = 6.5
_RIGHT_WALL_CM = 0.4
_ATRIAL_WALL_CM = 0.3
_LEAFLET = 220
"""Scatterers per leaflet."""


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Scatterers of one kind."""

    place: Place
    """Where they are at an instant."""
    amplitude: Floats
    """`(N,)`, in units that give the myocardium a mean power of 1 per square centimetre."""
    normal: Places
    """Unit vectors `(N,)` across layers and interfaces; 0 for scatterers of no direction."""
    slanted: float
    """Share of the amplitude that is left where the beam runs along the layer."""


@dataclass(frozen=True)
class Echogenicity:
    """Amplitudes relative to the myocardium."""

    blood: float
    pericardium: float
    outside: float
    reach_cm: float
    """Distance over which the echoes outside the pericardium fade."""
    specular: float
    valve: float
    slanted: float
    """Share of its amplitude that myocardium keeps where the beam runs along its fibres."""


def scatterers(
    heart: Heart, rest: Contour, echo: Echogenicity, seen: Seen, rng: np.random.Generator
) -> tuple[Scatterers, ...]:
    """All scatterers of a heart and its surroundings; `rest` is its contour at end diastole.

    Of the surroundings only those are kept whose place at rest is `seen`.
    """
    return (
        _cavity(rest, echo, rng),
        _wall(rest, echo, rng),
        _outside(heart, rest, echo, seen, rng),
        *(_interface(rest, share, level, echo, rng) for share, level in ((0.0, 1.0), (1.0, 1.6))),
        _below(heart, rest, echo, seen, rng),
        *_leaflets(heart, rest, echo, rng),
    )


def _cavity(rest: Contour, echo: Echogenicity, rng: np.random.Generator) -> Scatterers:
    """Blood, and the papillary muscles beside the wall."""
    count = int(_BLOOD_DENSITY * float(np.ptp(rest.u)) * rest.length)
    angle = np.arccos(1 - rng.uniform(0, 1 - np.cos(BASE), count)) * rng.choice([-1, 1], count)
    share = rng.uniform(0, 1, count)
    area = np.abs(np.interp(angle, ANGLES, rest.u)) * 2 * rest.length / count
    where = float(rng.uniform(0.9, 1.6))
    muscle = (np.abs(np.abs(angle) - where) < rng.uniform(0.1, 0.25)) & (share > 0.74)
    relative = np.where(muscle, rng.uniform(0.1, 0.8), echo.blood)
    return _diffuse(Cavity(angle, share).at, relative * np.sqrt(area))


def _wall(rest: Contour, echo: Echogenicity, rng: np.random.Generator) -> Scatterers:
    angle, per_cm = _angles(rest, 1.2, rng)
    area = np.interp(angle, ANGLES, rest.thickness) / per_cm
    uneven = np.exp(0.25 * smooth(rng, angle))
    place = Around(rest, angle, rng.uniform(0, 1, len(angle)), np.zeros_like(angle))
    return Scatterers(place.at, uneven * np.sqrt(area), place.normal, echo.slanted)


def _outside(
    heart: Heart, rest: Contour, echo: Echogenicity, seen: Seen, rng: np.random.Generator
) -> Scatterers:
    """Right ventricle and its wall on the septal side, pericardium, lung and liver."""
    angle, per_cm = _angles(rest, _OUTSIDE_CM, rng)
    depth = rng.uniform(0, _OUTSIDE_CM, len(angle))
    place = Around(rest, angle, np.ones_like(angle), depth)
    kept = seen(place.at(Instant(rest, 0.0)))
    angle, depth = angle[kept], depth[kept]
    area = _OUTSIDE_CM / per_cm * (1 + depth * _turning(rest, angle))
    right = right_width(heart, angle)
    beyond = np.where(right > 0, depth - right - _RIGHT_WALL_CM, depth)
    relative = echo.outside * np.exp(-np.clip(beyond, 0, None) / echo.reach_cm)
    relative = np.where(beyond < 0.25, echo.pericardium, relative)
    relative = np.where((right > 0) & (beyond < 0), 0.9, relative)
    relative = np.where(depth < right, echo.blood, relative)
    relative = relative * np.exp(0.3 * smooth(rng, angle))
    place = Around(rest, angle, np.ones_like(angle), depth)
    return _diffuse(place.at, relative * np.sqrt(area))


def right_width(heart: Heart, angle: Floats) -> Floats:
    """Width of the right ventricle in cm beside the septum at an angle; 0 elsewhere."""
    begin = 0.75
    x = np.clip((-angle - begin) / (BASE - begin), 0, 1)
    return np.asarray(heart.right_cm * np.sin(0.5 * np.pi * np.clip(1.35 * x, 0, 1)) ** 0.8)


def _interface(
    rest: Contour, share: float, level: float, echo: Echogenicity, rng: np.random.Generator
) -> Scatterers:
    """The endocardium (share 0) or the epicardium (share 1) as a reflector."""
    angle, per_cm = _angles(rest, 0.5, rng)
    shares = share + rng.uniform(-0.04, 0.04, len(angle))
    place = Around(rest, angle, shares, np.zeros_like(angle))
    amplitude = np.full(len(angle), 0.6 * level * echo.specular / np.sqrt(per_cm))
    return Scatterers(place.at, amplitude, place.normal, 0.02)


def _below(
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
    # Between the atria and beside the annulus lies the fibrous body of the heart.
    relative = np.where(blood, echo.blood, relative)
    place = Below(rest, heart.top, u, level)
    return _diffuse(place.at, relative * np.sqrt(whole / count))


def _leaflets(
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
        made.append(_diffuse(place.at, np.full(_LEAFLET, level)))
    return tuple(made)


def _diffuse(place: Place, amplitude: Floats) -> Scatterers:
    nothing = np.zeros_like(amplitude)
    return Scatterers(place, amplitude, (nothing, nothing), 1.0)


def _turning(rest: Contour, angle: Floats) -> Floats:
    """Turn of the normal per cm of endocardium, by which layers widen outwards."""
    step = ANGLES[1] - ANGLES[0]
    speed = np.hypot(np.gradient(rest.u, step), np.gradient(rest.w, step))
    across, along = normals(rest, ANGLES)
    turn = np.hypot(np.gradient(across, step), np.gradient(along, step))
    return np.interp(angle, ANGLES, turn / speed)


def _angles(rest: Contour, depth_cm: float, rng: np.random.Generator) -> tuple[Floats, float]:
    """Angles drawn evenly along a band of `depth_cm`, and how many lie in a cm of its inner side."""
    steps = np.hypot(np.diff(rest.u), np.diff(rest.w))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(DENSITY * length[-1] * depth_cm * (1 + 0.1 * depth_cm))
    angle = np.interp(rng.uniform(0, length[-1], count), length, ANGLES)
    return angle, count / float(length[-1])


def smooth(rng: np.random.Generator, angle: Floats) -> Floats:
    """A smooth random function of an angle in radians, with a standard deviation near 1."""
    total = np.zeros_like(angle)
    for wave in range(1, 5):
        height, phase = float(rng.standard_normal()), float(rng.uniform(0, 2 * np.pi))
        total += height / 1.4 * np.sin(wave * angle + phase)
    return total
