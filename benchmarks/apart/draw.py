"""Drawing a case: every parameter from default_rng([seed, index])."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apart.case import Anatomy, Case, Placement, Rhythm
from apart.draw_machine import draw_machine, draw_screen
from apart.ventricle import contour, solve_inward


def draw_anatomy(rng: np.random.Generator, ef: float) -> Anatomy:
    """A heart that can reach the EF: weak ones tend to be larger and rounder."""
    weak = np.clip((55.0 - ef) / 45.0, 0.0, 1.0)
    length = rng.uniform(68, 98) + 10 * weak * rng.random()
    regional = ef < 56 and rng.random() < 0.45
    centre = float(rng.choice([0.0, -0.3, 0.3, -0.62, 0.62, 0.85]))
    a = Anatomy(
        length=length,
        radius=length * (rng.uniform(0.21, 0.30) + 0.08 * weak * rng.random()),
        widest=rng.uniform(0.48, 0.78),
        p=rng.uniform(1.7, 2.7),
        q=rng.uniform(1.75, 2.4),
        taper=rng.uniform(0.08, 0.34),
        skew=rng.uniform(-0.1, 0.16),
        bend=rng.uniform(-3.5, 3.5),
        ring_tilt=rng.uniform(-0.16, 0.16),
        wall=rng.uniform(7, 12) + 3.5 * float(rng.random() < 0.15),
        apex_thin=rng.uniform(0.55, 0.9),
        el=ef / 100 * rng.uniform(0.17, 0.33),
        ew=0.0,
        rw_centre=centre + rng.uniform(-0.08, 0.08),
        rw_width=rng.uniform(0.22, 0.42),
        rw_depth=rng.uniform(0.6, 1.25) if regional else 0.0,
        rv_width=rng.uniform(19, 36),
        rv_start=rng.uniform(0.08, 0.34),
        rv_wall=rng.uniform(2.8, 5.0),
        rv_ew=rng.uniform(0.1, 0.36),
        tapse=rng.uniform(3, 11),
        la_height=rng.uniform(30, 58),
        la_bulge=rng.uniform(2, 12),
        ra_height=rng.uniform(28, 50),
        ra_bulge=rng.uniform(1, 11),
        papillary=rng.uniform(4.0, 8.0) if rng.random() < 0.75 else 0.0,
        trabeculae=rng.uniform(0.05, 0.45),
        effusion=rng.uniform(4, 12) if rng.random() < 0.07 else 0.0,
        ring_calcium=bool(rng.random() < 0.12),
        moderator=bool(rng.random() < 0.5),
        lead=bool(rng.random() < 0.08),
    )
    return solve_inward(a, ef / 100)


def draw_rhythm(rng: np.random.Generator, ef: float) -> tuple[Rhythm, float, int]:
    """Beats, frame rate and number of frames; at least one whole beat lies in the cine."""
    rate = rng.uniform(45, 130)
    fps = rng.uniform(25, 90)
    irregular = bool(rng.random() < 0.18)
    spread = rng.uniform(0.08, 0.18) if irregular else rng.uniform(0.005, 0.03)
    count = 24
    rr = 60.0 / rate * np.clip(1 + spread * rng.standard_normal(count), 0.72, 1.3)
    lead_in = rng.uniform(0.05, 0.95) * rr[0]
    needed = (rr[0] - lead_in) + rr[1:3].sum() * 1.02 + 0.1
    frames = int(np.clip(fps * max(needed, rng.uniform(1.2, 2.6)), 60, 200))
    fps = min(fps, (frames - 2) / needed) if frames >= 200 else fps
    peaks = np.concatenate([[0.0], np.cumsum(rr)]) - lead_in
    before = np.concatenate([[1.0, 1.0], rr[:-1] / rr.mean()])
    ed = 1 + (0.22 if irregular else 0.05) * np.clip(before - 1, -0.4, 0.3)
    gain = 1 + (0.45 if irregular else 0.1) * np.clip(before - 1, -0.4, 0.12)
    es = ed * (1 - ef / 100 * gain)
    kick = not irregular or bool(rng.random() < 0.4)
    peaks_, ed_, es_ = (tuple(float(x) for x in v) for v in (peaks, ed, es))
    rhythm = Rhythm(
        peaks_,
        ed_,
        es_,
        rng.uniform(0.45, 0.8),
        kick,
        rng.uniform(0.27, 0.34),
        rng.uniform(0.0, 0.35),
        rng.uniform(0.0, 0.3),
        rng.uniform(0, 3.5),
        rng.uniform(0.15, 0.4),
        rng.uniform(0, 0.035),
    )
    return rhythm, float(fps), frames


def place_outline(a: Anatomy, p: Placement) -> np.ndarray:
    """The ED outline in world coordinates."""
    c, s = np.cos(p.turn), np.sin(p.turn)
    return contour(a, 0.0)[0] @ np.array([[c, s], [-s, c]]) + [p.apex_x, p.apex_depth]


def draw_placement(rng: np.random.Generator, a: Anatomy, half: float) -> tuple[Placement, float]:
    """Heart under the probe, deep enough for the sector to hold it; the sector's half angle."""
    x, turn = rng.uniform(-2, 16), rng.uniform(-0.22, 0.16)
    depth = rng.uniform(9, 20)
    turned = place_outline(a, Placement(0.0, 0.0, turn))
    for _ in range(60):
        world = turned + np.array([x, depth])
        if np.abs(np.arctan2(world[:, 0], world[:, 1])).max() < half - 0.07:
            break
        depth += 1.0
        half = min(half + 0.008, 0.86)
        x *= 0.95
    return Placement(float(x), float(depth), float(turn)), float(half)


def draw(seed: int, index: int) -> Case:
    """The case of a seed and an index."""
    rng = np.random.default_rng([seed, index])
    ef = float(rng.uniform(10, 75))
    anatomy = draw_anatomy(rng, ef)
    rhythm, fps, frames = draw_rhythm(rng, ef)
    placement, half = draw_placement(rng, anatomy, rng.uniform(0.56, 0.82))
    reach = (
        placement.apex_depth
        + anatomy.length
        + rng.uniform(0.75, 1.15) * anatomy.la_height
        + rng.uniform(0, 22)
    )
    machine = draw_machine(rng, half, float(reach))
    outline = place_outline(anatomy, placement)
    screen = draw_screen(rng, machine, float(np.abs(outline[:, 0]).max()) + 5.0)
    case = Case(seed, index, fps, frames, ef, anatomy, rhythm, placement, machine, screen)
    return replace(
        case, rhythm=replace(rhythm, breath_mm=min(rhythm.breath_mm, 0.25 * placement.apex_depth))
    )
