"""Point scatterers of every tissue, named by material coordinates so that they move with it.

Amplitudes are relative to the myocardium's, per square root of area: speckle of many scatterers in
a resolution cell depends on their mean power alone (Wagner et al., IEEE Trans Sonics Ultrason
1983;30:156). Layers and interfaces return more where the beam meets them head on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.heart import Heart
from edgeecho_train.speckle.motion import Around, Cavity
from edgeecho_train.speckle.scatterers import (
    Echogenicity,
    Scatterers,
    diffuse,
    even_angles,
    smooth,
)
from edgeecho_train.speckle.surroundings import Seen, below, leaflets, outside
from edgeecho_train.speckle.ventricle import ANGLES, BASE, Contour

Floats = NDArray[np.float64]

_BLOOD_DENSITY = 90.0
"""Scatterers per square centimetre."""
_INTERFACES = ((0.0, 1.0), (1.0, 1.6))
"""Position in the wall and strength: the endocardium, and the epicardium with the pericardium."""


def scatterers(
    heart: Heart, rest: Contour, echo: Echogenicity, seen: Seen, rng: np.random.Generator
) -> tuple[Scatterers, ...]:
    """All scatterers of a heart and its surroundings; `rest` is its contour at end diastole.

    Of the surroundings only those are kept whose place at rest is `seen`.
    """
    return (
        _cavity(rest, echo, rng),
        _wall(rest, echo, rng),
        outside(heart, rest, echo, seen, rng),
        *(_interface(rest, share, level, echo, rng) for share, level in _INTERFACES),
        below(heart, rest, echo, seen, rng),
        *leaflets(heart, rest, echo, rng),
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
    return diffuse(Cavity(angle, share).at, relative * np.sqrt(area))


def _wall(rest: Contour, echo: Echogenicity, rng: np.random.Generator) -> Scatterers:
    angle, per_cm = even_angles(rest, 1.2, rng)
    area = np.interp(angle, ANGLES, rest.thickness) / per_cm
    uneven = np.exp(0.25 * smooth(rng, angle))
    place = Around(rest, angle, rng.uniform(0, 1, len(angle)), np.zeros_like(angle))
    return Scatterers(place.at, uneven * np.sqrt(area), place.normal, echo.slanted)


def _interface(
    rest: Contour, share: float, level: float, echo: Echogenicity, rng: np.random.Generator
) -> Scatterers:
    """The endocardium (share 0) or the epicardium (share 1) as a reflector."""
    angle, per_cm = even_angles(rest, 0.5, rng)
    shares = share + rng.uniform(-0.04, 0.04, len(angle))
    place = Around(rest, angle, shares, np.zeros_like(angle))
    amplitude = np.full(len(angle), 0.6 * level * echo.specular / np.sqrt(per_cm))
    return Scatterers(place.at, amplitude, place.normal, 0.02)
