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

from edgeecho_train.speckle.heart import Heart, Instant, normals
from edgeecho_train.speckle.ventricle import ANGLES, BASE, Contour

Floats = NDArray[np.float64]
Place = Callable[[Instant], tuple[Floats, Floats]]

DENSITY = 260.0
"""Scatterers per square centimetre: ten or more in a resolution cell."""
_BLOOD_DENSITY = 90.0
_OUTSIDE_CM = 5.0
_RIGHT_WALL_CM = 0.4
_ATRIAL_WALL_CM = 0.3


@dataclass(frozen=True, eq=False)
class Scatterers:
    """Scatterers of one kind."""

    place: Place
    """Where they are at an instant, (u, w) in the heart frame, in cm."""
    amplitude: Floats
    """`(N,)`, in units that give the myocardium a mean power of 1 per square centimetre."""
    across: Floats
    """`(N,)` u of the interface's normal; 0 for scatterers that are no part of an interface."""
    along: Floats


@dataclass(frozen=True)
class Echogenicity:
    """Amplitudes relative to the myocardium."""

    blood: float
    pericardium: float
    outside: float
    specular: float
    valve: float


def scatterers(
    heart: Heart, rest: Contour, echo: Echogenicity, rng: np.random.Generator
) -> tuple[Scatterers, ...]:
    """All scatterers of a heart and its surroundings; `rest` is its contour at end diastole."""
    return (
        _cavity(rest, echo, rng),
        _wall(rest, rng),
        _outside(heart, rest, echo, rng),
        *(_interface(rest, share, level, echo, rng) for share, level in ((0.0, 1.0), (1.0, 1.6))),
        _below(heart, rest, echo, rng),
        *_leaflets(heart, rest, echo, rng),
    )


def _cavity(rest: Contour, echo: Echogenicity, rng: np.random.Generator) -> Scatterers:
    """Blood, and the papillary muscles beside the wall."""
    width = float(np.ptp(rest.u))
    count = int(_BLOOD_DENSITY * width * rest.length)
    angle = np.arccos(1 - rng.uniform(0, 1 - np.cos(BASE), count)) * rng.choice([-1, 1], count)
    share = rng.uniform(0, 1, count)
    area = np.abs(np.interp(angle, ANGLES, rest.u)) * 2 * rest.length / count
    where = float(rng.uniform(0.9, 1.6))
    muscle = (np.abs(np.abs(angle) - where) < rng.uniform(0.1, 0.25)) & (share > 0.74)
    relative = np.where(muscle, rng.uniform(0.1, 0.8), echo.blood)
    return _diffuse(lambda now: now.cavity(angle, share), relative * np.sqrt(area))


def _wall(rest: Contour, rng: np.random.Generator) -> Scatterers:
    angle, per_cm = _angles(rest, 0.5, rng)
    share = rng.uniform(0, 1, len(angle))
    area = np.interp(angle, ANGLES, rest.thickness) / per_cm
    uneven = np.exp(0.25 * _smooth(rng, angle))
    depth = np.zeros_like(angle)
    return _diffuse(lambda now: now.around(angle, depth, share), uneven * np.sqrt(area))


def _outside(
    heart: Heart, rest: Contour, echo: Echogenicity, rng: np.random.Generator
) -> Scatterers:
    """Right ventricle and its wall on the septal side, pericardium, lung and liver."""
    angle, per_cm = _angles(rest, _OUTSIDE_CM, rng)
    depth = rng.uniform(0, _OUTSIDE_CM, len(angle))
    across, along = normals(rest, angle)
    step = 1e-3
    turned = np.hypot(*(b - a for a, b in zip(
        (across, along), normals(rest, angle + step), strict=True)))  # fmt: skip
    stretch = _speed(rest, angle)
    area = _OUTSIDE_CM / per_cm * (1 + depth * turned / step / stretch)
    right = right_width(heart, angle)
    beyond = np.where(right > 0, depth - right - _RIGHT_WALL_CM, depth)
    relative = echo.outside * np.exp(-beyond / 2.5)
    relative = np.where(beyond < 0.25, echo.pericardium, relative)
    relative = np.where((right > 0) & (beyond < 0), 0.9, relative)
    relative = np.where(depth < right, echo.blood, relative)
    relative = relative * np.exp(0.3 * _smooth(rng, angle))
    share = np.ones_like(angle)
    return _diffuse(lambda now: now.around(angle, depth, share), relative * np.sqrt(area))


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
    depth = np.zeros_like(angle)
    across, along = normals(rest, angle)
    amplitude = level * echo.specular / np.sqrt(per_cm) * 0.6
    return Scatterers(lambda now: now.around(angle, depth, shares), amplitude, across, along)


def _below(heart: Heart, rest: Contour, echo: Echogenicity, rng: np.random.Generator) -> Scatterers:
    """The atria, their walls and what lies behind them."""
    reach, levels = 8.0, 1.8
    height = heart.top - rest.length
    count = int(DENSITY * 2 * reach * height * levels)
    u, level = rng.uniform(-reach, reach, count), rng.uniform(0, levels, count)
    area = 2 * reach * height * levels / count
    relative = echo.outside * np.exp(-np.clip(level - 1, 0, None))
    left, right = heart.atrium_cm
    middles = (0.15, 0.15 - left / 2 - heart.septum_cm - right / 2)
    for middle, width in zip(middles, (left, right), strict=True):
        # The walls close in at the level of the annulus.
        x, y = (u - middle) / (width / 2), (level - 0.42) / 0.55
        radius = (np.abs(x) ** 2.4 + np.abs(y) ** 2.4) ** (1 / 2.4)
        wall = 1 + _ATRIAL_WALL_CM / (width / 2)
        relative = np.where((radius < wall) & (relative != echo.blood), 0.9, relative)
        relative = np.where(radius < 1, echo.blood, relative)
    return _diffuse(lambda now: now.below(u, level), relative * np.sqrt(area))


def _leaflets(
    heart: Heart, rest: Contour, echo: Echogenicity, rng: np.random.Generator
) -> tuple[Scatterers, ...]:
    """Mitral and tricuspid leaflets: thin, dense and bright from every side."""
    septal, lateral = float(rest.u[0]), float(rest.u[-1])
    annulus = lateral - septal
    inner = septal - float(rest.thickness[0])
    anterior, posterior = heart.leaflets
    plan = (
        (septal, 1.0, anterior * annulus),
        (lateral, -1.0, posterior * annulus),
        (inner, -1.0, 0.5 * heart.right_cm),
        (inner - heart.right_cm, 1.0, 0.6 * heart.right_cm),
    )
    return tuple(_leaflet(*each, rng=rng, level=echo.valve) for each in plan)


def _leaflet(
    hinge: float, reach: float, length: float, *, level: float, rng: np.random.Generator
) -> Scatterers:
    along = rng.uniform(0, 1, 220)
    thick = rng.uniform(-0.09, 0.09, (2, 220))

    def place(now: Instant) -> tuple[Floats, Floats]:
        # The annulus narrows a little with the base; the hinges of the right side follow.
        u, w = now.leaflet(hinge + now.shift(hinge), reach, along, length)
        return u + thick[0], w + thick[1]

    return _diffuse(place, np.full(220, level * np.sqrt(0.18 * length / 220)))


def _diffuse(place: Place, amplitude: Floats) -> Scatterers:
    nothing = np.zeros_like(amplitude)
    return Scatterers(place, amplitude, nothing, nothing)


def _speed(rest: Contour, angle: Floats) -> Floats:
    """Arc length per radian along the endocardium."""
    step = ANGLES[1] - ANGLES[0]
    speed = np.hypot(np.gradient(rest.u, step), np.gradient(rest.w, step))
    return np.interp(angle, ANGLES, speed)


def _angles(rest: Contour, depth_cm: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Angles drawn evenly along a band of `depth_cm`, and how many lie in a cm of its inner side."""
    steps = np.hypot(np.diff(rest.u), np.diff(rest.w))
    length = np.concatenate([[0.0], np.cumsum(steps)])
    count = int(DENSITY * length[-1] * depth_cm * (1 + 0.1 * depth_cm))
    angle = np.interp(rng.uniform(0, length[-1], count), length, ANGLES)
    return angle, np.full(count, count / length[-1])


def _smooth(rng: np.random.Generator, angle: Floats) -> Floats:
    """A smooth random function of the angle with a standard deviation near 1."""
    waves, total = np.arange(1, 5), np.zeros_like(angle)
    for wave, height in zip(waves.tolist(), rng.standard_normal(4).tolist(), strict=True):
        total += height * np.sin(wave * angle + 6.28 * rng.uniform()) / 1.4
    return total
