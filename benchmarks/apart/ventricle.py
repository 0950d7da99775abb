"""The left ventricle: a skewed superquadric bullet, apex at (0, 0), depth along y."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apart.case import Anatomy

POINTS = 121
DISCS = 24


def stations() -> np.ndarray:
    """Wall stations from -1 (septal ring) over 0 (apex) to +1 (lateral ring)."""
    return np.linspace(-1.0, 1.0, POINTS)


def regional(a: Anatomy, s: np.ndarray) -> np.ndarray:
    """Local share of the normal inward motion."""
    return 1.0 - a.rw_depth * np.exp(-(((s - a.rw_centre) / a.rw_width) ** 2))


def half_width(a: Anatomy, y: np.ndarray) -> np.ndarray:
    """Half width at end diastole at share y of the length."""
    top = np.clip(1.0 - y / a.widest, 0.0, 1.0)
    low = np.clip((y - a.widest) / (1.0 - a.widest), 0.0, 1.0)
    return a.radius * (1.0 - top**a.p) ** (1.0 / a.q) * (1.0 - a.taper * low**2)


def contour(a: Anatomy, squeeze: float) -> tuple[np.ndarray, np.ndarray]:
    """Endocardial line (POINTS, 2) at contraction `squeeze`, and wall thickness along it."""
    s = stations()
    y = s**2
    rest = half_width(a, y) * (1.0 + a.skew * np.sign(s))
    inward = rest * a.ew * regional(a, s) * squeeze
    x = np.sign(s) * (rest - inward) + a.bend * np.sin(np.pi * y)
    depth = a.length * (1.0 - a.el * squeeze) * y + a.ring_tilt * x * y**2
    thick = a.wall * (a.apex_thin + (1.0 - a.apex_thin) * np.minimum(1.0, 2.0 * y))
    thick = np.maximum(thick + 0.5 * inward, 0.45 * thick)
    return np.stack([x, depth], axis=1), thick


def discs(line: np.ndarray, count: int = DISCS) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Discs of a contour: long axis (2, 2), left ends, right ends (count, 2), and the volume in ml.

    The long axis runs from the apical station to the middle of the ring; the discs are round,
    of equal height, with diameters taken across the axis at their middle heights.
    """
    mid = len(line) // 2
    apex, base = line[mid], 0.5 * (line[0] + line[-1])
    length = float(np.hypot(*(base - apex)))
    along = (base - apex) / length
    across = np.array([along[1], -along[0]])
    at = (np.arange(count) + 0.5) * length / count
    ends = []
    for side in (line[mid::-1], line[mid:]):
        path = np.vstack([side, base]) - apex
        rise = np.maximum.accumulate(path @ along) + 1e-9 * np.arange(len(path))
        ends.append(np.interp(at, rise, path @ across))
    points = [apex + at[:, None] * along + e[:, None] * across for e in ends]
    wide = np.abs(ends[1] - ends[0])
    volume = float(np.sum(np.pi / 4.0 * wide**2) * length / count / 1000.0)
    return np.stack([apex, base]), points[0], points[1], volume


def volume(a: Anatomy, squeeze: float) -> float:
    """Single-plane disc volume in ml at a contraction."""
    return discs(contour(a, squeeze)[0])[3]


def solve_inward(a: Anatomy, ef: float) -> Anatomy:
    """The same anatomy with `ew` set by bisection so that a = 1 gives the EF (a share)."""
    low, high = 0.0, 0.72
    for _ in range(24):
        middle = 0.5 * (low + high)
        trial = replace(a, ew=middle)
        if 1.0 - volume(trial, 1.0) / volume(trial, 0.0) < ef:
            low = middle
        else:
            high = middle
    return replace(a, ew=0.5 * (low + high))


def squeezes(a: Anatomy, levels: np.ndarray) -> np.ndarray:
    """Contractions whose volumes are `levels` (shares of the volume at a = 0)."""
    grid = np.linspace(-0.3, 1.25, 63)
    table = np.array([volume(a, g) for g in grid]) / volume(a, 0.0)
    return np.interp(-levels, -table, grid)
