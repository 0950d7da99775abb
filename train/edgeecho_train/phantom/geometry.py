"""The left ventricle and its wall at a given volume.

Heart frame in cm: `w` runs along the long axis from the endocardial apex (0) to the centre of the
mitral annulus (the length L); `u` is across it, negative towards the septum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TRUNCATION = 0.5
"""The ellipsoid is cut (at the annulus) this fraction of its long semi-axis below its centre."""
DISKS = 20
"""Short axes per tracing, as in EchoNet-Dynamic's VolumeTracings.csv."""
_QUADRATURE = 400


@dataclass(frozen=True)
class Wave:
    """A wave of the endocardial wobble. It multiplies the radius, so EF stays exact."""

    amplitude: float
    """Fraction of the radius."""
    half_waves: int
    """Number of half waves from apex to annulus."""
    septal_phase: float
    lateral_phase: float


@dataclass(frozen=True)
class Defect:
    """A wall motion abnormality: a segment that moves inwards less, as after an infarction.

    The rest moves more, so that the volume stays the same and EF exact.
    """

    side: int
    """0 for septal, 1 for lateral."""
    centre: float
    """Position between apex (0) and annulus (1)."""
    half_length: float
    """Half length as a fraction of the long axis; the segment ends before apex and annulus."""
    loss: float
    """Share of the inward motion that is lost: about 0.5 is hypokinetic, 1 akinetic."""


@dataclass(frozen=True)
class Heart:
    """A heart's size and shape; nothing here depends on its ejection fraction."""

    length_cm: float
    """Endocardial long axis at end diastole."""
    diameter_cm: float
    """Largest endocardial diameter at end diastole."""
    wall_cm: float
    """Wall thickness at end diastole, at the largest diameter."""
    shortening: float
    """Exponent p in L = L0 v^p: how much of the emptying is shortening of the long axis."""
    wobble: tuple[Wave, ...]
    atrium: float
    """Size of the atria relative to an average heart."""
    right_heart: float
    """Width of the right ventricle relative to an average heart."""
    defect: Defect | None = None


@dataclass(frozen=True)
class Ventricle:
    """The left ventricle at one instant, with lengths in cm."""

    length: float
    radius: float
    """Short semi-axis of the endocardial ellipsoid."""
    apical_wall: float
    """Wall thickness at the apex."""
    outer_radius: float
    """Short semi-axis of the epicardial ellipsoid."""
    relaxation: float
    """Widening that would restore its end-diastolic width, as a fraction of its own width."""

    @property
    def semi_axis(self) -> float:
        """Long semi-axis of the endocardial ellipsoid; its centre lies at w = semi_axis."""
        return self.length / (1 + TRUNCATION)

    @property
    def annulus_radius(self) -> float:
        return self.radius * math.sqrt(1 - TRUNCATION**2)


def profile(s: ArrayLike) -> Floats:
    """Radius of the truncated ellipsoid by its short semi-axis; s is 0 at the apex, 1 at L."""
    z = np.asarray(s, np.float64) * (1 + TRUNCATION) - 1
    return np.sqrt(np.clip(1 - z * z, 0, None))


def wobble(heart: Heart, s: Floats) -> Floats:
    """Factors (2, len(s)) on the radius at the septal and the lateral side.

    They are 1 at apex and annulus, so that the long axis joins apex and annulus centre.
    """
    window = np.sin(np.pi * s)
    factors = np.ones((2, len(s)))
    for wave in heart.wobble:
        phases = np.array([[wave.septal_phase], [wave.lateral_phase]])
        factors += wave.amplitude * window * np.cos(wave.half_waves * np.pi * s + phases)
    return factors


def outline(heart: Heart, relaxation: float, s: Floats) -> Floats:
    """Factors (2, len(s)) on the radius of the ellipsoid: wobble and wall defect."""
    factors = wobble(heart, s)
    if defect := heart.defect:
        reach = np.clip((s - defect.centre) / defect.half_length, -1, 1)
        stretch = 0.5 + 0.5 * np.cos(np.pi * reach)
        factors[defect.side] *= 1 + defect.loss * relaxation * stretch
    return factors


def at_volume(heart: Heart, volume: float) -> Ventricle:
    """The ventricle at `volume`, a fraction of the end-diastolic volume.

    L = L0 v^p and b = b0 sqrt(v / v^p) give V = V0 v exactly; the whole radius makes up for a wall
    defect. The wall is incompressible: the epicardial ellipsoid has the same centre and annulus
    plane, and contains the volumes of cavity and wall.
    """
    shortened = volume**heart.shortening
    length = heart.length_cm * shortened
    apical_wall = 0.75 * heart.wall_cm / shortened
    narrowed = math.sqrt(volume / shortened)
    relaxation = 1 / narrowed - 1
    evened = math.sqrt(_mean_square(heart, 0.0) / _mean_square(heart, relaxation))
    total = cavity_volume_ml(heart, volume) + wall_volume_ml(heart)
    return Ventricle(
        length=length,
        radius=heart.diameter_cm / 2 * narrowed * evened,
        apical_wall=apical_wall,
        outer_radius=math.sqrt(total / _outer_volume_ml(length, 1.0, apical_wall)),
        relaxation=relaxation,
    )


@lru_cache(maxsize=16)  # at every frame it is asked for end diastole three times
def _mean_square(heart: Heart, relaxation: float) -> float:
    """Mean square of the half width along the long axis, in units of the short semi-axis."""
    s = (np.arange(_QUADRATURE) + 0.5) / _QUADRATURE
    half_width = outline(heart, relaxation, s).mean(axis=0) * profile(s)
    return float(np.mean(half_width**2))


def cavity_volume_ml(heart: Heart, volume: float = 1.0) -> float:
    """Cavity volume in ml at a fraction of the end-diastolic volume, by single-plane Simpson.

    Every disc is taken as round, in the limit of many discs.
    """
    semi_axes = heart.length_cm * (heart.diameter_cm / 2) ** 2
    return volume * math.pi * semi_axes * _mean_square(heart, 0.0)


def wall_volume_ml(heart: Heart) -> float:
    """Volume of the wall in ml, the same at every instant."""
    outer = _outer_volume_ml(
        heart.length_cm, heart.diameter_cm / 2 + heart.wall_cm, 0.75 * heart.wall_cm
    )
    return outer - cavity_volume_ml(heart)


def _outer_volume_ml(length: float, outer_radius: float, apical_wall: float) -> float:
    # V = pi b^2 a (2/3 + f - f^3/3) for an ellipsoid cut f a below its centre.
    inner_semi_axis = length / (1 + TRUNCATION)
    semi_axis = inner_semi_axis + apical_wall
    f = TRUNCATION * inner_semi_axis / semi_axis
    return math.pi * outer_radius**2 * semi_axis * (2 / 3 + f - f**3 / 3)


def tracing(heart: Heart, ventricle: Ventricle) -> Floats:
    """The long axis, then 20 short axes from apex to annulus: (21, 2, 2) points (u, w) in cm.

    The short axes are in the middle of 20 discs of equal height.
    """
    s = (np.arange(DISKS) + 0.5) / DISKS
    half_widths = outline(heart, ventricle.relaxation, s) * profile(s) * ventricle.radius
    lines = np.zeros((1 + DISKS, 2, 2))
    lines[0, 1, 1] = ventricle.length
    lines[1:, 0, 0] = -half_widths[0]
    lines[1:, 1, 0] = half_widths[1]
    lines[1:, :, 1] = s[:, None] * ventricle.length
    return lines
