"""The left ventricle and its wall at a given volume, and where they lie in the picture.

Heart frame, in cm: `w` runs along the long axis from the endocardial apex (0) to the centre of
the mitral annulus (the length L); `u` is across it, negative towards the septum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

TRUNCATION = 0.5
"""The ellipsoid is cut this fraction of its long semi-axis below its centre (the annulus)."""
DISKS = 20
"""Short axes per tracing, as in EchoNet-Dynamic's VolumeTracings.csv."""
_QUADRATURE = 400


@dataclass(frozen=True)
class Wave:
    """One wave of the endocardial wobble: it multiplies the radius, so EF stays exact."""

    amplitude: float
    """Fraction of the radius."""
    half_waves: int
    """Number of half waves from apex to annulus."""
    septal_phase: float
    lateral_phase: float


@dataclass(frozen=True)
class Heart:
    """A heart's size and build; nothing here depends on its ejection fraction."""

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


@dataclass(frozen=True)
class Ventricle:
    """The left ventricle at one instant; all lengths in cm."""

    length: float
    radius: float
    """Short semi-axis of the endocardial ellipsoid."""
    apical_wall: float
    """Wall thickness at the apex."""
    outer_radius: float
    """Short semi-axis of the epicardial ellipsoid."""

    @property
    def semi_axis(self) -> float:
        """Long semi-axis of the endocardial ellipsoid; its centre lies at w = semi_axis."""
        return self.length / (1 + TRUNCATION)

    @property
    def annulus_radius(self) -> float:
        return self.radius * math.sqrt(1 - TRUNCATION**2)


def profile(s: ArrayLike) -> Floats:
    """Radius of the truncated ellipsoid over its short semi-axis; s is 0 at the apex, 1 at L."""
    z = np.asarray(s, np.float64) * (1 + TRUNCATION) - 1
    return np.sqrt(np.clip(1 - z * z, 0, None))


def wobble(heart: Heart, s: Floats) -> Floats:
    """Factors on the radius at the septal and the lateral side, shape (2, len(s)).

    They are 1 at the apex and at the annulus, so that the long axis joins apex and annulus
    centre whatever the wobble.
    """
    window = np.sin(np.pi * s)
    factors = np.ones((2, len(s)))
    for wave in heart.wobble:
        phases = np.array([[wave.septal_phase], [wave.lateral_phase]])
        factors += wave.amplitude * window * np.cos(wave.half_waves * np.pi * s + phases)
    return factors


def at_volume(heart: Heart, volume: float) -> Ventricle:
    """The ventricle at `volume`, a fraction of the end-diastolic volume.

    L = L0 v^p and b = b0 sqrt(v / v^p) give V = V0 v exactly. The wall is incompressible: the
    epicardial ellipsoid shares centre and annulus plane and holds cavity plus wall volume.
    """
    shortened = volume**heart.shortening
    length = heart.length_cm * shortened
    apical_wall = 0.75 * heart.wall_cm / shortened
    total = cavity_volume_ml(heart, volume) + wall_volume_ml(heart)
    return Ventricle(
        length=length,
        radius=heart.diameter_cm / 2 * math.sqrt(volume / shortened),
        apical_wall=apical_wall,
        outer_radius=math.sqrt(total / _outer_volume_ml(length, 1.0, apical_wall)),
    )


def cavity_volume_ml(heart: Heart, volume: float = 1.0) -> float:
    """Cavity volume at a fraction of the end-diastolic one; every disc is taken as round.

    That is single-plane Simpson in the limit of many discs: the volume of the plane one sees.
    """
    s = (np.arange(_QUADRATURE) + 0.5) / _QUADRATURE
    half_width = wobble(heart, s).mean(axis=0) * profile(s) * heart.diameter_cm / 2
    return volume * float(np.pi * np.mean(half_width**2) * heart.length_cm)


def wall_volume_ml(heart: Heart) -> float:
    """Volume of the wall, the same at every instant."""
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
    """Long axis, then 20 short axes from apex to annulus: (21, 2, 2) points (u, w) in cm.

    The short axes lie in the middle of 20 discs of equal height.
    """
    s = (np.arange(DISKS) + 0.5) / DISKS
    half_widths = wobble(heart, s) * profile(s) * ventricle.radius
    lines = np.zeros((1 + DISKS, 2, 2))
    lines[0, 1, 1] = ventricle.length
    lines[1:, 0, 0] = -half_widths[0]
    lines[1:, 1, 0] = half_widths[1]
    lines[1:, :, 1] = s[:, None] * ventricle.length
    return lines


@dataclass(frozen=True)
class View:
    """Where the heart lies under the probe and how the sector lies in the picture.

    Probe frame, in cm: x to the right of the sector's axis, z away from the probe.
    """

    apex_x_cm: float
    apex_z_cm: float
    """Epicardial apex at rest: it hardly moves, the annulus comes down to it."""
    tilt: float
    """Angle of the long axis to the sector's axis, in radians."""
    sway_cm: float
    """Amplitude of the breathing motion across the sector."""
    sway_hz: float
    sway_phase: float
    creep_cm_s: float
    """Slow slide of the probe, in cm/s along x."""
    depth_cm: float
    half_angle: float
    """Half the opening angle of the sector, in radians."""
    size: int
    """Width and height of the picture in pixels."""
    cm_per_pixel: float
    probe_x_px: float
    probe_y_px: float
    """Pixel of the sector's tip."""

    def apex(self, time_s: float) -> tuple[float, float]:
        """Epicardial apex (x, z) in cm at a time from the start of the clip, in s."""
        sway = self.sway_cm * math.sin(2 * math.pi * self.sway_hz * time_s + self.sway_phase)
        return (
            self.apex_x_cm + sway + self.creep_cm_s * time_s,
            self.apex_z_cm + 0.5 * sway,
        )

    def to_probe(self, points: Floats, ventricle: Ventricle, time_s: float) -> Floats:
        """Points (..., 2) from the heart frame (u, w) to the probe frame (x, z), in cm."""
        u, w = points[..., 0], points[..., 1] + ventricle.apical_wall
        x, z = self.apex(time_s)
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        return np.stack([x + u * cos + w * sin, z + w * cos - u * sin], axis=-1)

    def to_pixels(self, points: Floats, ventricle: Ventricle, time_s: float) -> Floats:
        """Points (..., 2) from the heart frame in cm to pixels (X, Y); centres are integers."""
        probe = self.to_probe(points, ventricle, time_s)
        tip = np.array([self.probe_x_px, self.probe_y_px])
        return np.asarray(probe / self.cm_per_pixel + tip)
