"""Draws phantoms. A video depends on (seed, index) only, and its size not on its EF."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeecho_train.phantom.cardiac_cycle import Rhythm, draw_rr
from edgeecho_train.phantom.geometry import Heart, View, Wave, at_volume, tracing
from edgeecho_train.phantom.image import Appearance

Distribution = Literal["uniform", "echonet"]
Split = Literal["TRAIN", "VAL", "TEST"]

SIZE = 112
SHORTEST_CLIP = 24
LONGEST_CLIP = 1002
_EF_RANGE = (10.0, 80.0)
_FPS_RANGE = (25.0, 80.0)
_FIBRILLATION_SHARE = 0.1
_TRAIN_SHARE, _VAL_SHARE = 0.75, 0.125


@dataclass(frozen=True)
class Recipe:
    """What a set of phantoms has in common."""

    seed: int
    distribution: Distribution = "uniform"
    frames: int | None = None
    """Frames of every clip, or None to draw them as EchoNet-Dynamic's are distributed."""
    split: Split | None = None
    """One split for every video, or None for 75 / 12.5 / 12.5 %."""


@dataclass(frozen=True)
class Phantom:
    """Everything that decides one video, short of its noise."""

    name: str
    ef: float
    """Ejection fraction in %."""
    split: Split
    fps: float
    frames: int
    rr_s: tuple[float, ...]
    """RR intervals in s."""
    kick: float
    """Part of the stroke volume filled by the atria."""
    start_s: float
    """Time of the first frame after the first R wave."""
    heart: Heart
    view: View
    appearance: Appearance


def draw_phantom(recipe: Recipe, index: int) -> tuple[Phantom, np.random.Generator]:
    """Phantom number `index`, and the generator for its speckle and noise."""
    seeds = np.random.SeedSequence((recipe.seed, index)).spawn(3)
    rng, noise_rng, split_rng = (np.random.default_rng(seed) for seed in seeds)
    ef = _draw_ef(rng, recipe.distribution)
    heart = _draw_heart(rng)
    rhythm, fps, frames = _draw_timing(rng, recipe.frames)
    rr_s = draw_rr(rng, rhythm, frames / fps)
    phantom = Phantom(
        name=f"phantom-s{recipe.seed}-{index:05d}",
        ef=ef,
        split=recipe.split or _draw_split(split_rng),
        fps=fps,
        frames=frames,
        rr_s=rr_s,
        kick=rhythm.kick,
        start_s=float(rng.uniform(0, rr_s[0])),
        heart=heart,
        view=_draw_view(rng, heart),
        appearance=_draw_appearance(rng),
    )
    return phantom, noise_rng


def _draw_ef(rng: np.random.Generator, distribution: Distribution) -> float:
    if distribution == "uniform":
        return round(float(rng.uniform(*_EF_RANGE)), 2)
    # Mean and sd of EchoNet-Dynamic's 10,030 labels.
    return round(float(np.clip(rng.normal(55.7, 12.5), *_EF_RANGE)), 2)


def _draw_split(rng: np.random.Generator) -> Split:
    draw = rng.uniform()
    if draw < _TRAIN_SHARE:
        return "TRAIN"
    return "VAL" if draw < _TRAIN_SHARE + _VAL_SHARE else "TEST"


def _draw_heart(rng: np.random.Generator) -> Heart:
    # A plane beside the apex shows a shorter ventricle, by the same factor at ED and at ES.
    foreshortening = 1 - 0.1 * float(rng.uniform()) ** 2
    return Heart(
        length_cm=foreshortening * float(rng.uniform(8.2, 9.6)),
        diameter_cm=float(rng.uniform(4.4, 6.8)),
        wall_cm=float(rng.uniform(0.8, 1.1)),
        shortening=float(rng.uniform(0.14, 0.20)),
        wobble=tuple(
            Wave(float(rng.normal(0, 0.03)), half_waves, *map(float, rng.uniform(0, 6.28, 2)))
            for half_waves in (2, 3, 5)
        ),
        atrium=float(rng.uniform(0.85, 1.15)),
        right_heart=float(rng.uniform(0.8, 1.1)),
    )


def _draw_timing(rng: np.random.Generator, fixed: int | None) -> tuple[Rhythm, float, int]:
    """Rhythm, frames per second and frame count; the clip holds at least one full beat."""
    fps = float(np.clip(rng.normal(50.9, 6.8), *_FPS_RANGE))
    drawn = int(np.clip(round(rng.normal(175, 57)), SHORTEST_CLIP, LONGEST_CLIP))
    frames = fixed or drawn
    if rng.uniform() < _FIBRILLATION_SHARE:
        rhythm = Rhythm(float(rng.uniform(60, 110)), float(rng.uniform(0.15, 0.25)), 0.0)
    else:
        rhythm = Rhythm(
            float(rng.uniform(45, 130)),
            float(rng.uniform(0.02, 0.05)),
            float(rng.uniform(0.15, 0.25)),
        )
    if fixed is None:
        frames = max(frames, math.ceil(rhythm.longest_rr_s * fps) + 2)
    elif (frames - 2) / fps < rhythm.longest_rr_s:
        # Too few frames for a beat: look slower, and if that is not enough let it beat faster.
        fps = max(_FPS_RANGE[0], (frames - 2) / rhythm.longest_rr_s)
        faster = max(1.0, rhythm.longest_rr_s * fps / (frames - 2))
        rhythm = Rhythm(rhythm.heart_rate * faster, rhythm.rr_sd, rhythm.kick)
    # Two decimals survive the AVI header's fraction exactly.
    return rhythm, max(_FPS_RANGE[0], math.floor(fps * 100) / 100), frames


def _draw_view(rng: np.random.Generator, heart: Heart) -> View:
    """A view that keeps the end-diastolic ventricle in the sector, or the best of 20 draws."""
    views = []
    for _ in range(20):
        view = _draw_any_view(rng)
        relaxed = at_volume(heart, 1.0)
        points = view.to_probe(tracing(heart, relaxed), relaxed, 0.0)
        angle = float(np.abs(np.arctan2(points[..., 0], points[..., 1])).max() / view.half_angle)
        views.append((angle, view))
        if angle < 0.92:
            return view
    return min(views, key=lambda pair: pair[0])[1]


def _draw_any_view(rng: np.random.Generator) -> View:
    depth = float(rng.uniform(15, 17.5))
    cm_per_pixel = depth * float(rng.uniform(0.97, 1.08)) / SIZE
    return View(
        apex_x_cm=float(rng.uniform(-0.3, 0.9)),
        apex_z_cm=float(rng.uniform(1.2, 2.4)),
        tilt=math.radians(float(rng.uniform(-4, 13))),
        sway_cm=float(rng.uniform(0, 0.2)),
        sway_hz=float(rng.uniform(0.15, 0.4)),
        sway_phase=float(rng.uniform(0, 2 * math.pi)),
        creep_cm_s=float(rng.normal(0, 0.04)),
        depth_cm=depth,
        half_angle=math.radians(float(rng.uniform(40, 46))),
        size=SIZE,
        cm_per_pixel=cm_per_pixel,
        probe_x_px=(SIZE - 1) / 2 + float(rng.uniform(-3, 3)),
        probe_y_px=float(rng.uniform(-2, 5)),
    )


def _draw_appearance(rng: np.random.Generator) -> Appearance:
    return Appearance(
        gain_db=float(rng.uniform(11, 17)),
        dynamic_range_db=float(rng.uniform(40, 48)),
        gamma=float(rng.uniform(1.6, 1.9)),
        clutter=float(rng.uniform(0.3, 1.0)),
        noise=float(rng.uniform(0.4, 1.0)),
        shadow_db=float(rng.uniform(3, 10)),
        persistence=float(rng.uniform(0.25, 0.4)),
    )
