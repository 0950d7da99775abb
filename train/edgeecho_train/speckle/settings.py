"""Drawing the scanner's settings and the faults of a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeecho_train.speckle.beam import Beam
from edgeecho_train.speckle.scatterers import Echogenicity
from edgeecho_train.speckle.view import View


@dataclass(frozen=True)
class Settings:
    """What the scanner and the acoustic window do to a picture. Levels in dB, positive for loss
    unless said otherwise; 0 dB is the mean of the myocardium."""

    gain_db: float
    dynamic_range_db: float
    curve: float
    """Exponent of the grey curve."""
    persistence: float
    """Weight of the previous picture in the shown one."""
    compensation_db: float
    """Standard deviation of the error of the time-gain compensation over depth."""
    noise_db: float
    """Electronic noise at full depth."""
    clutter_db: float
    """Reverberation right under the probe."""
    haze_db: float
    """Stationary clutter over the chambers."""
    lateral_loss_db: float
    apical_loss_db: float
    ribs: tuple[tuple[float, float, float], ...]
    """Shadows: angle and half width in radians, and loss in dB."""
    echoes: tuple[tuple[float, float, float], ...]
    """Reverberations: arcs that do not move, by range in cm, angle in radians and level in dB."""
    twist: float
    """How far the tissue turns out of the plane from end diastole to end systole, in radians of its
    scatterers' phase: speckle that changes within a beat."""


def draw_settings(rng: np.random.Generator, view: View) -> Settings:
    """Every fault is absent in some videos."""

    def some(share: float, low: float, high: float) -> float:
        drawn, value = rng.uniform() < share, float(rng.uniform(low, high))
        return value if drawn else 0.0

    ribs = tuple(
        (
            float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.95) * view.half_angle),
            math.radians(float(rng.uniform(2, 6))),
            float(rng.uniform(6, 18)),
        )
        for _ in range(int(rng.choice([0, 1, 2], p=[0.55, 0.3, 0.15])))
    )
    echoes = tuple(
        (
            float(rng.uniform(2.0, 6.5)),
            float(rng.uniform(-0.5, 0.5) * view.half_angle),
            float(rng.uniform(-22, -8)),
        )
        for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.25, 0.15])))
    )
    return Settings(
        gain_db=float(rng.uniform(-17, -6)),
        dynamic_range_db=float(rng.uniform(36, 58)),
        curve=float(rng.uniform(0.95, 1.7)),
        persistence=some(0.7, 0.1, 0.5),
        compensation_db=float(rng.uniform(0.5, 3.0)),
        noise_db=float(rng.uniform(-44, -26)),
        clutter_db=float(rng.uniform(-14, 3)),
        haze_db=float(rng.uniform(-46, -24)),
        lateral_loss_db=some(0.5, 3, 14),
        apical_loss_db=some(0.3, 3, 10),
        ribs=ribs,
        echoes=echoes,
        twist=float(rng.uniform(0.1, 0.7)),
    )


def draw_beam(rng: np.random.Generator, view: View) -> Beam:
    """A cardiac phased array of 1.7 to 3.4 MHz (sound at 0.154 cm per microsecond)."""
    wavelength = 0.154 / float(rng.uniform(1.7, 3.4))
    return Beam(
        depth_cm=view.depth_cm,
        half_angle=view.half_angle,
        wavelength_cm=wavelength,
        pulse_cm=wavelength * float(rng.uniform(0.75, 1.2)),
        waist_cm=float(rng.uniform(0.11, 0.2)),
        focus_cm=float(rng.uniform(0.35, 0.75)) * view.depth_cm,
        field_cm=float(rng.uniform(4, 8)),
    )


def draw_echogenicity(rng: np.random.Generator) -> Echogenicity:
    return Echogenicity(
        blood=10 ** (float(rng.uniform(-46, -30)) / 20),
        pericardium=float(rng.uniform(1.4, 3.2)),
        outside=float(rng.uniform(0.25, 1.0)),
        reach_cm=float(rng.uniform(0.8, 3.5)),
        specular=float(rng.uniform(0.6, 2.0)),
        valve=float(rng.uniform(1.0, 2.2)),
        slanted=float(rng.uniform(0.4, 0.9)),
    )
