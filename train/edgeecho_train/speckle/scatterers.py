"""Kinds of point scatterers, and what they need in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.motion import Instant, Places
from edgeecho_train.speckle.ventricle import ANGLES, Contour

Floats = NDArray[np.float64]
Place = Callable[[Instant], Places]

DENSITY = 260.0
"""Scatterers per square centimetre: ten or more in a resolution cell."""


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


def diffuse(place: Place, amplitude: Floats) -> Scatterers:
    """Scatterers that send the same back in every direction."""
    nothing = np.zeros_like(amplitude)
    return Scatterers(place, amplitude, (nothing, nothing), 1.0)


def even_angles(rest: Contour, depth_cm: float, rng: np.random.Generator) -> tuple[Floats, float]:
    """Angles drawn evenly along a band of `depth_cm`, and how many lie in a cm of its inside."""
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
