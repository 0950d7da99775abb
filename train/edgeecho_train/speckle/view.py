"""Where the heart lies under the probe, and where the sector lies in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIZE = 112
"""Width and height of a picture in pixels, as in EchoNet-Dynamic."""


@dataclass(frozen=True)
class View:
    """Placement. Probe frame in cm: x to the right, z away from the probe."""

    apex_cm: tuple[float, float]
    """Endocardial apex (x, z) at end diastole."""
    tilt: float
    """Angle of the heart's long axis to the sector's, in radians."""
    depth_cm: float
    half_angle: float
    """Half the opening angle of the sector, in radians."""
    tip_px: tuple[float, float]
    """The sector's tip (X, Y) in the picture."""
    cm_per_px: float
    breath_cm: float
    """Amplitude of the motion with breathing, along x; half as much along z."""
    breath_hz: float
    breath_phase: float
    slide_cm_s: float
    """Slow slide of the probe along x."""
    rock: float
    """Amplitude of the probe's rocking, in radians, at the rate of breathing."""

    def pose(self, time_s: float) -> tuple[float, float, float]:
        """The origin (x, z) of the heart frame in cm and its tilt in radians, at a time in s."""
        phase = 2 * math.pi * self.breath_hz * time_s + self.breath_phase
        x, z = self.apex_cm
        sway = self.breath_cm * math.sin(phase)
        tilt = self.tilt + self.rock * math.cos(phase)
        return x + sway + self.slide_cm_s * time_s, z + 0.5 * sway, tilt

    def to_probe(self, u: Floats, w: Floats, time_s: float) -> tuple[Floats, Floats]:
        """Heart frame (u, w) to probe frame (x, z), in cm."""
        x, z, tilt = self.pose(time_s)
        cos, sin = math.cos(tilt), math.sin(tilt)
        return x + u * cos + w * sin, z + w * cos - u * sin

    def to_heart(self, x: Floats, z: Floats, time_s: float) -> tuple[Floats, Floats]:
        """Probe frame (x, z) to heart frame (u, w), in cm."""
        x0, z0, tilt = self.pose(time_s)
        cos, sin = math.cos(tilt), math.sin(tilt)
        return (x - x0) * cos - (z - z0) * sin, (x - x0) * sin + (z - z0) * cos

    def lines_to_pixels(self, lines: Floats, time_s: float) -> Floats:
        """Points (..., 2) of the heart frame in cm to pixels, whose centres are integers."""
        x, z = self.to_probe(lines[..., 0], lines[..., 1], time_s)
        tip = np.array(self.tip_px)
        return np.asarray(np.stack([x, z], axis=-1) / self.cm_per_px + tip)

    def pixels(self, finer: int = 1) -> tuple[Floats, Floats]:
        """Probe coordinates (x, z) in cm of the centres of pixels, `finer` of them in each."""
        centres = (np.arange(SIZE * finer) + 0.5) / finer - 0.5
        x = (centres - self.tip_px[0]) * self.cm_per_px
        z = (centres - self.tip_px[1]) * self.cm_per_px
        across, down = np.meshgrid(x, z)
        return across, down


def draw_view(rng: np.random.Generator, length_cm: float) -> View:
    """A view of a ventricle of `length_cm`: apex near the tip, atria at least in part in it."""
    half_angle = math.radians(float(rng.uniform(31, 43)))
    apex_z = float(rng.uniform(1.7, 3.0))
    depth = apex_z + length_cm + float(rng.uniform(2.2, 5.5))
    # The picture holds the sector with a margin, or cuts its sides a little.
    across = 2 * depth * math.sin(half_angle) * float(rng.uniform(0.78, 1.0)) / SIZE
    scale = max(depth / (SIZE * float(rng.uniform(0.9, 0.98))), across)
    tip_y = float(rng.uniform(0.0, 1.0)) * max(SIZE - depth / scale - 1, 0.0)
    return View(
        apex_cm=(float(rng.uniform(-0.2, 0.8)), apex_z),
        tilt=math.radians(float(rng.uniform(-9, 12))),
        depth_cm=depth,
        half_angle=half_angle,
        tip_px=(SIZE / 2 - 0.5 + float(rng.uniform(-3, 3)), tip_y),
        cm_per_px=scale,
        breath_cm=float(rng.uniform(0, 0.15)),
        breath_hz=float(rng.uniform(0.2, 0.35)),
        breath_phase=float(rng.uniform(0, 2 * math.pi)),
        slide_cm_s=float(rng.uniform(-0.04, 0.04)),
        rock=math.radians(float(rng.uniform(0, 0.8))),
    )
