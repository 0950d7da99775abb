"""Scatterers that do not ride on the heart: blood in the chambers, and the tissue around."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from apart.case import Case
from apart.heart import Heart

SPAN = 260  # side of the label map, mm
CENTRE = (150, 50)
OUTSIDE, FILLER, BLOOD, FLUID = 0, 1, 2, 3


@dataclass(frozen=True)
class Field:
    """World points with a fixed strength and a local echogenicity of the surroundings."""

    xy: np.ndarray
    amp: np.ndarray
    around: np.ndarray
    blood: np.ndarray
    flow: np.ndarray  # strengths the moving blood cycles through


def make_field(case: Case) -> Field:
    """Points spread evenly over the sector."""
    rng = np.random.default_rng([case.seed, case.index, 12])
    m = case.machine
    count = int(min(15000, 0.7 * m.half_angle * m.depth**2))
    r = m.depth * np.sqrt(rng.random(count))
    angle = rng.uniform(-m.half_angle, m.half_angle, count)
    xy = np.stack([r * np.sin(angle), r * np.cos(angle)], axis=1)
    amp = rng.gamma(1.5, 1 / 1.5, count) * rng.choice([-1.0, 1.0], count)

    def cloudy(scale: float, depth_db: float) -> np.ndarray:
        z = cv2.GaussianBlur(rng.standard_normal((160, 160)), (0, 0), scale)
        z /= z.std()
        u = np.clip(((xy + np.array([m.depth, 0])) / m.depth * 79).astype(int), 0, 159)
        return 10 ** (depth_db * z[u[:, 1], u[:, 0]] / 20)

    around = cloudy(9.0, 9.0) * 10 ** (m.outside_db / 20)
    blood = cloudy(14.0, 3.0) * 10 ** (m.blood_db / 20)
    return Field(xy, amp, around, blood, rng.standard_normal(count))


def label_map(case: Case, heart: Heart) -> np.ndarray:
    """What lies where, in heart coordinates, one cell per mm."""
    a = case.anatomy
    canvas = np.zeros((SPAN, SPAN), np.uint8)

    def px(points: np.ndarray) -> list[np.ndarray]:
        return [np.round((points + CENTRE) * 16).astype(np.int32)]

    lv = heart.ribbons["lv"]
    epi = lv.line + lv.normal * lv.thick[:, None]
    pads = (
        (epi, 2.0),
        (heart.chambers[1], 2 * a.rv_wall),
        (heart.chambers[2], 6.0),
        (heart.chambers[3], 6.0),
    )
    for ring, value in ((2 * a.effusion + 2, FLUID), (0.0, FILLER)):
        if value == FLUID and a.effusion <= 0:
            continue
        for outline, pad in pads:
            cv2.fillPoly(canvas, px(outline), value, shift=4)
            cv2.polylines(canvas, px(outline), True, value, round(pad + ring), shift=4)
    for outline in heart.chambers:
        cv2.fillPoly(canvas, px(outline), BLOOD, shift=4)
    return canvas


def field_amps(field: Field, labels: np.ndarray, local: np.ndarray, frame: int) -> np.ndarray:
    """Strength of each field point, whose heart coordinates are `local`."""
    cell = np.clip(np.round(local + CENTRE).astype(np.int64), 0, SPAN - 1)
    kind = labels[cell[:, 1], cell[:, 0]]
    strength = np.where(kind == OUTSIDE, field.around, 10 ** (-13 / 20))
    moved = 0.6 * field.amp + 0.8 * np.roll(field.flow, 997 * frame)
    steady = field.amp * np.where(kind == FLUID, 0.01, strength)
    return np.where(kind == BLOOD, field.blood * moved, steady)
