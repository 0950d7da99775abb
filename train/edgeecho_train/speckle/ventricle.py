"""The left ventricle: a truncated superellipse that shortens, narrows and thickens by region.

Heart frame in cm: `w` along the long axis from the endocardial apex (0) to the centre of the mitral
annulus, `u` across it, negative towards the septum. A point of the endocardium is named by its
angle from the apex, `-BASE` at the septal and `BASE` at the lateral annulus, for the whole beat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BASE = math.radians(134)
NODES = 241
ANGLES: Floats = np.linspace(-BASE, BASE, NODES)
DISKS = 20
"""Short axes per tracing, as in EchoNet-Dynamic's VolumeTracings.csv."""
_APEX = NODES // 2
_LEVELS: Floats = (np.arange(400) + 0.5) / 400
_DISK_LEVELS: Floats = (np.arange(DISKS) + 0.5) / DISKS


@dataclass(frozen=True)
class Region:
    """A bump along one side, for shapes and for motion."""

    side: int
    """-1 septal, 1 lateral."""
    level: float
    """Centre, 0 at the apex and 1 at the annulus."""
    spread: float
    amount: float


@dataclass(frozen=True)
class Ventricle:
    """Size, shape and way of moving; nothing here depends on the ejection fraction."""

    length_cm: float
    """Endocardial long axis at end diastole."""
    width_cm: float
    """Largest endocardial width at end diastole, before the bumps."""
    wall_cm: float
    """Wall thickness at end diastole."""
    roundness: float
    """Exponent of the superellipse across the long axis; 2 for an ellipse."""
    bend_cm: float
    """Bend of the whole ventricle towards the septum in its middle."""
    shortening: float
    """Share of the long axis that is lost per emptied share of the end-diastolic volume."""
    thickening: float
    """Exponent of the wall's thickening as its region narrows."""
    bumps: tuple[Region, ...]
    """Of the end-diastolic half width, such as the septum's bulge."""
    motion: tuple[Region, ...]
    """Differences in inward motion; an amount of -1 at its centre stands still."""

    @cached_property
    def levels(self) -> Floats:
        """Level `(NODES,)` of every endocardial point, 0 at the apex and 1 at the annulus."""
        # Above 2 the exponent would flatten the apex, so it shapes the width alone.
        return np.asarray((1 - np.cos(ANGLES)) / (1 - math.cos(BASE)))

    def half_widths(self, angles: Floats, levels: Floats) -> Floats:
        """End-diastolic distance from the long axis in cm, positive on both sides."""
        sine = np.abs(np.sin(angles))
        plain = self.width_cm / 2 * sine ** (2 / self.roundness)
        return np.asarray(plain * (1 + _sum(self.bumps, np.sign(angles), levels)))

    def inward(self, angles: Floats, levels: Floats) -> Floats:
        """Relative inward motion, about 1 on average."""
        return np.asarray(1 + _sum(self.motion, np.sign(angles), levels))

    @cached_property
    def moments(self) -> tuple[float, float, float]:
        """Means along the long axis of width^2, width x loss of width, and loss^2, in cm^2."""
        cosine = 1 - _LEVELS * (1 - math.cos(BASE))
        right = np.arccos(cosine)
        sides = [np.copysign(right, side) for side in (-1, 1)]
        halves = [self.half_widths(side, _LEVELS) for side in sides]
        losses = [
            half * self.inward(side, _LEVELS) for half, side in zip(halves, sides, strict=True)
        ]
        width, loss = sum(halves), sum(losses)
        return (
            float(np.mean(width * width)),
            float(np.mean(width * loss)),
            float(np.mean(loss * loss)),
        )

    @property
    def edv_ml(self) -> float:
        """End-diastolic volume by single-plane discs, in the limit of many."""
        return math.pi / 4 * self.length_cm * self.moments[0]


@dataclass(frozen=True, eq=False)
class Contour:
    """The endocardium at one instant, in the heart frame and cm; arrays `(NODES,)` by angle."""

    length: float
    u: Floats
    w: Floats
    thickness: Floats
    """Of the wall."""

    def side(self, sign: int, levels: Floats) -> Floats:
        """`u` of the septal (-1) or lateral (1) endocardium at levels between 0 and 1."""
        part = slice(_APEX, None) if sign > 0 else slice(_APEX, None, -1)
        return np.interp(levels, self.w[part] / self.length, self.u[part])

    def lines(self) -> Floats:
        """The long axis, then 20 short axes from apex to annulus: (21, 2, 2) points (u, w)."""
        lines = np.zeros((1 + DISKS, 2, 2))
        lines[0, 1, 1] = self.length
        lines[1:, 0, 0] = self.side(-1, _DISK_LEVELS)
        lines[1:, 1, 0] = self.side(1, _DISK_LEVELS)
        lines[1:, :, 1] = _DISK_LEVELS[:, None] * self.length
        return lines


def contour(ventricle: Ventricle, lost: float) -> Contour:
    """The endocardium when the share `lost` of the end-diastolic volume is out.

    The length follows from `lost`; the width's loss solves the volume's quadratic equation, so that
    the volume by discs is exactly (1 - lost) of the end-diastolic one.
    """
    squared, mixed, losses = ventricle.moments
    shortened = 1 - ventricle.shortening * lost
    target = squared * (1 - lost) / shortened
    narrowing = (mixed - math.sqrt(mixed**2 - losses * (squared - target))) / losses
    levels = ventricle.levels
    left = 1 - narrowing * ventricle.inward(ANGLES, levels)
    half = ventricle.half_widths(ANGLES, levels) * left
    bend = ventricle.bend_cm * np.sin(np.pi * levels)
    # The long axis ends in the middle of the annulus: a shear changes no width.
    middle = (half[-1] - half[0]) / 2
    u = np.sign(ANGLES) * half - bend - levels * middle
    u[_APEX] = 0.0
    return Contour(
        length=ventricle.length_cm * shortened,
        u=u,
        w=levels * ventricle.length_cm * shortened,
        thickness=ventricle.wall_cm * _thinner(levels) * left**-ventricle.thickening,
    )


def _thinner(levels: Floats) -> Floats:
    """The wall is thinner at the apex and tapers towards the annulus."""
    return np.asarray(0.7 + 0.3 * np.clip(levels / 0.25, 0, 1) - 0.3 * np.clip(levels - 0.8, 0, 1))


def _sum(regions: tuple[Region, ...], sides: Floats, levels: Floats) -> Floats:
    """Sum of the bumps; each vanishes at the apex, where both sides meet."""
    total = np.zeros_like(levels)
    for region in regions:
        near = np.exp(-0.5 * ((levels - region.level) / region.spread) ** 2)
        total += np.where(sides == region.side, region.amount * near, 0)
    return np.asarray(total * np.clip(levels / 0.15, 0, 1))
