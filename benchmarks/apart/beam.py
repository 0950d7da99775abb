"""RF-like picture formation: complex echoes on a (depth, beam) grid, blurred by pulse and beam."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from apart.case import Machine

RANGE_STEP = 0.5  # mm per depth sample


@dataclass(frozen=True)
class Grid:
    """The polar grid with its fixed gain, clutter and haze."""

    rows: int
    beams: int
    gain: np.ndarray  # (rows, beams)
    clutter: np.ndarray  # (rows, beams, 2)
    haze: np.ndarray  # (rows, beams, 2)
    blend: np.ndarray  # (rows, 1, 1) share of the defocused beam
    noise: np.ndarray  # (2 rows, beams, 2) receiver noise, read at a changing offset


def polar(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Range and angle of world points."""
    return np.hypot(xy[:, 0], xy[:, 1]), np.arctan2(xy[:, 0], xy[:, 1])


def lateral_px(m: Machine) -> float:
    """Beam sigma in beams."""
    return m.lateral / (2 * m.half_angle / m.beams)


def speckle(
    rng: np.random.Generator, rows: int, beams: int, down: float, side: float
) -> np.ndarray:
    """A fixed complex speckle field of unit power."""
    z = cv2.GaussianBlur(
        rng.standard_normal((rows, beams, 2)).astype(np.float32), (0, 0), side, sigmaY=down
    )
    return z / (np.sqrt(np.mean(z**2)) + 1e-9)


def make_grid(m: Machine, rng: np.random.Generator) -> Grid:
    """All that stays fixed under the probe."""
    rows = int(np.ceil(m.depth / RANGE_STEP))
    r = (np.arange(rows) + 0.5) * RANGE_STEP
    angle = (np.arange(m.beams) + 0.5) / m.beams * 2 * m.half_angle - m.half_angle
    gain_db = np.interp(r, np.linspace(0, m.depth, len(m.tgc)), m.tgc)[:, None] + np.zeros(
        (1, m.beams)
    )
    for at, width, start, db in m.shadows:
        dip = np.exp(-(np.abs((angle - at) / width) ** 2.5))[None]
        gain_db = gain_db - db * dip / (1 + np.exp(-(r - start) / 4.0))[:, None]
    edge = np.clip((m.half_angle - np.abs(angle)) / (0.12 * m.half_angle), 0, 1)
    gain = (
        10 ** (gain_db / 20) * (0.55 + 0.45 * edge)[None] / np.sqrt(np.maximum(r, 20) / 70)[:, None]
    )
    side = lateral_px(m)
    near = 10 ** (m.clutter_db / 20) * np.exp(-np.maximum(r - m.near, 0) / 9.0)
    ring = 1 + 0.7 * np.cos(2 * np.pi * r / rng.uniform(4, 8)) * np.exp(-r / 25.0)
    clutter = (
        speckle(rng, rows, m.beams, m.axial / RANGE_STEP, 2 * side) * (near * ring)[:, None, None]
    )
    cloud = speckle(rng, rows, m.beams, rows / 9.0, m.beams / 7.0)[..., :1]
    haze = speckle(rng, rows, m.beams, 1.4 * m.axial / RANGE_STEP, 2.5 * side)
    haze = haze * 10 ** ((m.haze_db + 5.0 * np.clip(cloud, -2, 2)) / 20)
    blend = np.clip(np.abs(r - m.focus) / 70.0, 0, 1)[:, None, None]
    haze = haze * gain[..., None]
    noise = rng.standard_normal((2 * rows, m.beams, 2), dtype=np.float32) * np.float32(
        10 ** (m.noise_db / 20)
    )
    return Grid(
        rows,
        m.beams,
        gain.astype(np.float32),
        clutter.astype(np.float32),
        haze.astype(np.float32),
        blend.astype(np.float32),
        noise,
    )


def shine(
    m: Machine, xy: np.ndarray, amp: np.ndarray, normal: np.ndarray, mirror: np.ndarray
) -> np.ndarray:
    """Amplitudes after the fading of walls that run along the beam."""
    size = np.hypot(xy[:, 0], xy[:, 1]) + 1e-9
    facing = np.abs(normal[:, 0] * xy[:, 0] + normal[:, 1] * xy[:, 1]) / size
    weight = mirror * m.anisotropy
    return amp * ((1 - weight) + weight * 1.25 * facing**1.5)


@dataclass(frozen=True)
class Cells:
    """Where points fall on the grid and the cosine and sine of their echo phase."""

    where: np.ndarray
    cos: np.ndarray
    sin: np.ndarray


def locate(m: Machine, g: Grid, xy: np.ndarray) -> Cells:
    """Grid cells of world points; those outside the sector go to a spare last cell."""
    r, angle = polar(xy)
    row = (r / RANGE_STEP).astype(np.int64)
    col = np.floor((angle + m.half_angle) / (2 * m.half_angle) * g.beams).astype(np.int64)
    ok = (row >= 0) & (row < g.rows) & (col >= 0) & (col < g.beams) & (r > m.near)
    phase = (np.mod(2 / m.wavelength * r, 1.0) * 2 * np.pi).astype(np.float32)
    return Cells(np.where(ok, row * g.beams + col, g.rows * g.beams), np.cos(phase), np.sin(phase))


def form(m: Machine, g: Grid, groups: tuple[tuple[Cells, np.ndarray], ...]) -> np.ndarray:
    """Complex echoes (rows, beams, 2) of groups of located points with amplitudes."""
    size = g.rows * g.beams
    rf = np.empty((size, 2), np.float32)
    for part, name in enumerate(("cos", "sin")):
        total = sum(np.bincount(c.where, amp * getattr(c, name), size + 1) for c, amp in groups)
        rf[:, part] = total[:size]
    rf = rf.reshape(g.rows, g.beams, 2)
    down, side = m.axial / RANGE_STEP, lateral_px(m)
    sharp = cv2.GaussianBlur(rf, (0, 0), side, sigmaY=down)
    broad = cv2.GaussianBlur(sharp, (0, 0), 0.9 * side, sigmaY=0.01)
    lobes = cv2.GaussianBlur(sharp[:, ::3], (0, 0), 2.0 * side, sigmaY=0.01)
    lobes = cv2.resize(lobes, (g.beams, g.rows))
    return sharp * (1 - g.blend) + broad * g.blend * 1.15 + m.side_lobe * lobes


def receive(g: Grid, rf: np.ndarray, rng: np.random.Generator, drift: float) -> np.ndarray:
    """Envelope (rows, beams) of unit-scaled echoes with haze, gain, clutter and noise."""
    turn = np.array([np.cos(drift), np.sin(drift)], dtype=np.float32)
    start = int(rng.integers(0, g.rows))
    rf = rf * g.gain[..., None]
    rf += turn[0] * g.haze
    rf += turn[1] * g.haze[:, ::-1]
    rf += g.clutter
    rf += g.noise[start : start + g.rows]
    return cv2.magnitude(np.ascontiguousarray(rf[..., 0]), np.ascontiguousarray(rf[..., 1]))
