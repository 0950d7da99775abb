"""Rendering of a whole cine with its truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apart.beam import form, locate, make_grid, receive, shine
from apart.case import Case
from apart.clock import courses
from apart.field import field_amps, label_map, make_field
from apart.heart import build
from apart.screen import compress, make_scan, picture
from apart.tissue import carry, pack, seed_tissue
from apart.truth import chords, ejection_fraction, fill, find_beats, place, to_pixels, unplace
from apart.ventricle import contour, discs, squeezes

CHORDS = 20


@dataclass(frozen=True)
class Cine:
    """Frames and truth of one case."""

    frames: np.ndarray  # (T, H, W, 3) uint8 RGB
    fps: float
    masks: np.ndarray  # (T, H, W) bool, the LV cavity
    volumes: np.ndarray  # (T,) ml
    ef: float  # mean over the whole beats, %
    beat_efs: np.ndarray  # % of each beat
    beats: list[tuple[int, int]]  # (ED, ES) frames
    chords: dict[int, np.ndarray]  # frame -> (21, 4) long axis, then disc diameters, px


@dataclass(frozen=True)
class Courses:
    """What each frame needs: time, contraction, valve, atria, ECG, breathing."""

    t: np.ndarray
    squeeze: np.ndarray
    mitral: np.ndarray
    atrium: np.ndarray
    ecg: np.ndarray
    breath: np.ndarray


def plan(case: Case) -> Courses:
    """Time courses of a case at its frames."""
    t = np.arange(case.frames) / case.fps
    r = case.rhythm
    run = courses(r, t)
    wave = np.sin(2 * np.pi * r.breath_hz * t + case.index)
    breath = np.stack([0.4 * r.breath_mm * wave, r.breath_mm * wave, r.breath_turn * wave], axis=1)
    return Courses(
        t, squeezes(case.anatomy, run["level"]), run["mitral"], run["atrium"], run["ecg"], breath
    )


def measure(
    case: Case, run: Courses
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]], dict[int, np.ndarray]]:
    """Masks, volumes, beats and the chords of the ED and ES frames; needs no picture."""
    lines = [contour(case.anatomy, s)[0] for s in run.squeeze]
    volumes = np.array([discs(line)[3] for line in lines])
    masks = np.stack(
        [
            fill(case.screen, to_pixels(case.screen, place(case, line, b)))
            for line, b in zip(lines, run.breath, strict=False)
        ]
    )
    beats = find_beats(np.asarray(case.rhythm.r_times), volumes, case.fps)
    marked = {
        f: chords(case.screen, case, lines[f], run.breath[f], CHORDS)
        for beat in beats
        for f in beat
    }
    return masks, volumes, beats, marked


def paint(case: Case, run: Courses) -> np.ndarray:
    """The frames."""
    rng = np.random.default_rng([case.seed, case.index, 13])
    m = case.machine
    grid = make_grid(m, rng)
    scan = make_scan(case, grid.beams)
    tissue, field = seed_tissue(case), make_field(case)
    load = pack(case, tissue, build(case.anatomy, 0.0, 0.0, 0.0))
    loose = locate(m, grid, field.xy)
    frames = np.empty((case.frames, case.screen.height, case.screen.width, 3), np.uint8)
    held, unit = None, 1.0
    for i in range(case.frames):
        heart = build(case.anatomy, run.squeeze[i], run.mitral[i], run.atrium[i])
        spots, amps, normals = carry(case, load, heart, run.squeeze[i])
        world = place(case, spots, run.breath[i])
        turned = place(case, normals, run.breath[i]) - place(case, np.zeros((1, 2)), run.breath[i])
        amps = shine(m, world, amps, turned, load.mirror)
        labels = label_map(case, heart)
        extra = field_amps(field, labels, unplace(case, field.xy, run.breath[i]), i)
        rf = form(m, grid, ((locate(m, grid, world), amps), (loose, extra)))
        if i == 0:
            unit = np.float32(np.percentile(np.hypot(rf[..., 0], rf[..., 1]), 97.0))
        envelope = receive(grid, rf / unit, rng, 0.15 * run.t[i] + 0.3 * run.squeeze[i])
        held = envelope if held is None else m.persistence * held + (1 - m.persistence) * envelope
        frames[i] = picture(case, scan, compress(case, held), run.ecg, i)
    return frames


def render(case: Case) -> Cine:
    """The cine of a case; deterministic."""
    run = plan(case)
    masks, volumes, beats, marked = measure(case, run)
    efs = ejection_fraction(volumes, beats)
    return Cine(paint(case, run), case.fps, masks, volumes, float(np.mean(efs)), efs, beats, marked)
