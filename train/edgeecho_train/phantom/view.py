"""The position of the heart under the probe, and of the sector in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeecho_train.phantom.geometry import Floats, Ventricle


@dataclass(frozen=True)
class View:
    """The position of the heart under the probe, and of the sector in the picture.

    Probe frame in cm: x to the right of the sector's axis, z away from the probe.
    """

    apex_x_cm: float
    apex_z_cm: float
    """Epicardial apex at rest: it hardly moves, while the annulus moves towards it."""
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
    """Position of the sector's tip in pixels."""

    def breath(self, time_s: float) -> float:
        """Phase of breathing, -1 to 1, at a time in s from the start of the clip."""
        return math.sin(2 * math.pi * self.sway_hz * time_s + self.sway_phase)

    def apex(self, time_s: float) -> tuple[float, float]:
        """Epicardial apex (x, z) in cm at a time in s from the start of the clip."""
        sway = self.sway_cm * self.breath(time_s)
        return (
            self.apex_x_cm + sway + self.creep_cm_s * time_s,
            self.apex_z_cm + 0.5 * sway,
        )

    def to_probe(self, points: Floats, ventricle: Ventricle, time_s: float) -> Floats:
        """Transform points (..., 2) from heart frame (u, w) to probe frame (x, z), in cm."""
        u, w = points[..., 0], points[..., 1] + ventricle.apical_wall
        x, z = self.apex(time_s)
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        return np.stack([x + u * cos + w * sin, z + w * cos - u * sin], axis=-1)

    def to_pixels(self, points: Floats, ventricle: Ventricle, time_s: float) -> Floats:
        """Transform points (..., 2) from the heart frame in cm to pixels; centres are integers."""
        probe = self.to_probe(points, ventricle, time_s)
        tip = np.array([self.probe_x_px, self.probe_y_px])
        return np.asarray(probe / self.cm_per_pixel + tip)
