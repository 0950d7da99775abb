"""Sizes of the chambers around the left ventricle, and drawing a heart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.ventricle import BASE, Contour, Region, Ventricle

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Heart:
    """Sizes in cm; nothing here depends on the ejection fraction."""

    ventricle: Ventricle
    right_cm: float
    """Largest width of the right ventricle at end diastole."""
    atrium_cm: tuple[float, float]
    """Widths of the left and of the right atrium."""
    roof_cm: float
    """Height of the atria at end diastole."""
    septum_cm: float
    """Thickness of the septum between the atria."""
    leaflets: tuple[float, float]
    """Lengths of the anterior and the posterior mitral leaflet, in widths of the annulus."""

    @property
    def top(self) -> float:
        """Where the atria end, on the long axis in cm; it does not move."""
        return self.ventricle.length_cm + self.roof_cm


def normals(rest: Contour, angle: Floats) -> tuple[Floats, Floats]:
    """Unit vectors (u, w) out of the ventricle; never downwards, so that the atria stay clear."""
    width, height = float(np.ptp(rest.u)) / 2, rest.length / (1 - np.cos(BASE))
    across, along = np.sin(angle) / width, np.minimum(-np.cos(angle) / height, 0)
    size = np.hypot(across, along)
    return across / size, along / size


def draw_heart(rng: np.random.Generator) -> Heart:
    """A heart of an adult; chamber sizes around those of Lang et al., JASE 2015;28:1."""
    width = float(rng.uniform(4.0, 5.9))
    ventricle = Ventricle(
        length_cm=float(np.clip(width * rng.uniform(1.5, 1.95), 6.8, 10.2)),
        width_cm=width,
        wall_cm=float(rng.uniform(0.75, 1.25)),
        roundness=float(rng.uniform(1.9, 2.6)),
        bend_cm=float(rng.uniform(-0.25, 0.25)),
        shortening=float(rng.uniform(0.18, 0.36)),
        thickening=float(rng.uniform(0.5, 0.9)),
        bumps=(
            Region(-1, 0.8, float(rng.uniform(0.12, 0.2)), float(rng.uniform(-0.2, 0.05))),
            *_regions(rng, 2, 0.09),
        ),
        motion=(*_regions(rng, 3, 0.25), *_akinetic(rng)),
    )
    return Heart(
        ventricle=ventricle,
        right_cm=float(rng.uniform(2.0, 3.6)),
        atrium_cm=(float(rng.uniform(3.2, 4.8)), float(rng.uniform(3.0, 4.5))),
        roof_cm=float(rng.uniform(3.6, 5.2)),
        septum_cm=float(rng.uniform(0.25, 0.5)),
        leaflets=(float(rng.uniform(0.6, 0.75)), float(rng.uniform(0.4, 0.5))),
    )


def _regions(rng: np.random.Generator, count: int, amount: float) -> tuple[Region, ...]:
    return tuple(
        Region(
            side=1 if rng.uniform() < 0.5 else -1,
            level=float(rng.uniform(0.25, 0.9)),
            spread=float(rng.uniform(0.12, 0.25)),
            amount=float(rng.uniform(-amount, amount)),
        )
        for _ in range(count)
    )


def _akinetic(rng: np.random.Generator) -> tuple[Region, ...]:
    """In one heart of six, a region that hardly moves, as after an infarction."""
    if rng.uniform() > 1 / 6:
        return ()
    side = 1 if rng.uniform() < 0.5 else -1
    level, spread = float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.1, 0.16))
    return (Region(side, level, spread, float(rng.uniform(-0.8, -0.4))),)
