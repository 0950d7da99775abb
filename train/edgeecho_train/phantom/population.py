"""Drawing phantoms. A video depends on (seed, index) only.

The ejection fraction has its own random stream, from which nothing else is drawn: it affects how
far the ventricle empties, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgeecho_train.phantom.cardiac_cycle import Rhythm, draw_rr
from edgeecho_train.phantom.geometry import Heart
from edgeecho_train.phantom.image import Appearance
from edgeecho_train.phantom.nuisances import draw_appearance, draw_export, draw_heart, draw_view
from edgeecho_train.phantom.overlay import ScannerExport
from edgeecho_train.phantom.view import View

Distribution = Literal["uniform", "echonet"]
Split = Literal["TRAIN", "VAL", "TEST"]

SHORTEST_CLIP = 24
LONGEST_CLIP = 1002
_EF_RANGE = (10.0, 80.0)
FPS_RANGE = (25.0, 80.0)
_FIBRILLATION_SHARE = 0.1
_PREMATURE_SHARE = 0.1
_TRAIN_SHARE, _VAL_SHARE = 0.75, 0.125


@dataclass(frozen=True)
class PhantomRecipe:
    """Options of a set of phantoms."""

    seed: int
    distribution: Distribution = "uniform"
    frames: int | None = None
    """Frames per clip; None draws them from EchoNet-Dynamic's distribution."""
    split: Split | None = None
    """One split for all videos; None for 75 / 12.5 / 12.5 %."""
    traced: int = 2
    """Traced frames of each video: end diastole, end systole, then others; all, if it has fewer."""


@dataclass(frozen=True)
class Phantom:
    """Everything that determines a video, except for its noise."""

    name: str
    ef: float
    """Ejection fraction in %."""
    split: Split
    fps: float
    frames: int
    rr_s: tuple[float, ...]
    """RR intervals in s."""
    kick: float
    """Fraction of the stroke volume filled by the atria."""
    start_s: float
    """Time of the first frame after the first R wave, in s."""
    heart: Heart
    view: View
    appearance: Appearance
    export: ScannerExport


def draw_phantom(recipe: PhantomRecipe, index: int) -> tuple[Phantom, np.random.Generator]:
    """Phantom number `index`, and the generator for its speckle and noise."""
    streams = np.random.SeedSequence((recipe.seed, index)).spawn(8)
    ef, split, timing, heart, view, look, export, noise = map(np.random.default_rng, streams)
    rhythm, fps, frames = _draw_timing(timing, recipe)
    rr_s = draw_rr(timing, rhythm, frames / fps)
    drawn_heart = draw_heart(heart)
    drawn_view = draw_view(view, drawn_heart)
    phantom = Phantom(
        name=f"phantom-s{recipe.seed}-{index:05d}",
        ef=_draw_ef(ef, recipe.distribution),
        split=recipe.split or draw_split(split),
        fps=fps,
        frames=frames,
        rr_s=rr_s,
        kick=rhythm.kick,
        start_s=float(timing.uniform(0, rr_s[0])),
        heart=drawn_heart,
        view=drawn_view,
        appearance=draw_appearance(look),
        export=draw_export(export, drawn_view),
    )
    return phantom, noise


def _draw_ef(rng: np.random.Generator, distribution: Distribution) -> float:
    if distribution == "uniform":
        return round(float(rng.uniform(*_EF_RANGE)), 2)
    # Mean and sd of EchoNet-Dynamic's 10,030 labels.
    return round(float(np.clip(rng.normal(55.7, 12.5), *_EF_RANGE)), 2)


def draw_split(rng: np.random.Generator) -> Split:
    """A split, in the shares of EchoNet-Dynamic."""
    draw = rng.uniform()
    if draw < _TRAIN_SHARE:
        return "TRAIN"
    return "VAL" if draw < _TRAIN_SHARE + _VAL_SHARE else "TEST"


def _draw_timing(rng: np.random.Generator, recipe: PhantomRecipe) -> tuple[Rhythm, float, int]:
    """Rhythm, frames per second and frame count; the clip holds at least one full beat."""
    fps = draw_fps(rng, recipe.distribution)
    rhythm = _draw_rhythm(rng)
    # EchoNet-Dynamic's videos have 175 +- 57 frames.
    frames = int(np.clip(round(rng.normal(175, 57)), SHORTEST_CLIP, LONGEST_CLIP))
    if recipe.frames is None:
        frames = max(frames, math.ceil(rhythm.longest_rr_s * fps) + 2)
    else:
        frames = recipe.frames
        # Too few frames for a beat: lower the frame rate and, if necessary, raise the heart rate.
        fps = max(FPS_RANGE[0], min(fps, (frames - 2) / rhythm.longest_rr_s))
        faster = max(1.0, rhythm.longest_rr_s * fps / (frames - 2))
        rhythm = replace(rhythm, heart_rate=rhythm.heart_rate * faster)
    # Rates with two decimals are exact in the AVI header.
    return rhythm, max(FPS_RANGE[0], math.floor(fps * 100) / 100), frames


def draw_fps(rng: np.random.Generator, distribution: Distribution) -> float:
    """Frames per second."""
    if distribution == "uniform":
        return float(rng.uniform(*FPS_RANGE))
    # Mean and sd of EchoNet-Dynamic's videos.
    return float(np.clip(rng.normal(50.9, 6.8), *FPS_RANGE))


def _draw_rhythm(rng: np.random.Generator) -> Rhythm:
    if rng.uniform() < _FIBRILLATION_SHARE:
        return Rhythm(float(rng.uniform(60, 110)), float(rng.uniform(0.15, 0.25)), 0.0)
    return Rhythm(
        heart_rate=float(rng.uniform(45, 130)),
        rr_sd=float(rng.uniform(0.02, 0.05)),
        kick=float(rng.uniform(0.15, 0.25)),
        premature=0.2 if rng.uniform() < _PREMATURE_SHARE else 0.0,
    )
