"""Drawing a video of this world. It depends on (seed, index) only.

The ejection fraction has a random stream of its own, from which nothing else is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgeecho_train.phantom.population import (
    FPS_RANGE,
    LONGEST_CLIP,
    SHORTEST_CLIP,
    PhantomRecipe,
    Split,
    draw_fps,
    draw_split,
)
from edgeecho_train.speckle.beam import Beam
from edgeecho_train.speckle.heart import Heart, draw_heart
from edgeecho_train.speckle.rhythm import Beat, Rhythm, draw_beats, draw_rhythm
from edgeecho_train.speckle.scatterers import Echogenicity
from edgeecho_train.speckle.settings import Settings, draw_beam, draw_echogenicity, draw_settings
from edgeecho_train.speckle.view import View, draw_view

EF_RANGE = (8.0, 75.0)
_STREAM = 2
"""Keeps this world's random numbers apart from the phantoms' of the same seed."""


@dataclass(frozen=True)
class Drawn:
    """Everything that determines a video, except for its scatterers and its noise."""

    name: str
    ef: float
    """Ejection fraction in %, from the largest and the smallest volume."""
    split: Split
    fps: float
    frames: int
    rhythm: Rhythm
    beats: tuple[Beat, ...]
    start_s: float
    """Time of the first frame after the first R wave, in s."""
    heart: Heart
    view: View
    echo: Echogenicity
    beam: Beam
    settings: Settings


def draw(recipe: PhantomRecipe, index: int) -> tuple[Drawn, np.random.Generator]:
    """Video `index` of a recipe, and the generator for its scatterers and its noise."""
    streams = np.random.SeedSequence((recipe.seed, index, _STREAM)).spawn(7)
    ef, split, timing, anatomy, placing, look, noise = map(np.random.default_rng, streams)
    rhythm, fps, frames = _draw_timing(timing, recipe)
    beats = draw_beats(timing, rhythm, frames / fps)
    heart = draw_heart(anatomy)
    view = draw_view(placing, heart.ventricle.length_cm)
    video = Drawn(
        name=f"speckle-s{recipe.seed}-{index:05d}",
        ef=_draw_ef(ef, recipe),
        split=recipe.split or draw_split(split),
        fps=fps,
        frames=frames,
        rhythm=rhythm,
        beats=beats,
        start_s=float(timing.uniform(0, beats[0].rr_s)),
        heart=heart,
        view=view,
        echo=draw_echogenicity(look),
        beam=draw_beam(look, view),
        settings=draw_settings(look, view),
    )
    return video, noise


def _draw_ef(rng: np.random.Generator, recipe: PhantomRecipe) -> float:
    if recipe.distribution == "uniform":
        return round(float(rng.uniform(*EF_RANGE)), 2)
    # Mean and sd of EchoNet-Dynamic's labels.
    return round(float(np.clip(rng.normal(55.7, 12.5), *EF_RANGE)), 2)


def _draw_timing(rng: np.random.Generator, recipe: PhantomRecipe) -> tuple[Rhythm, float, int]:
    """Rhythm, frames/s and frames; the longest beat fits into the video."""
    rhythm, fps = draw_rhythm(rng), draw_fps(rng, recipe.distribution)
    drawn = int(np.clip(round(rng.normal(175, 57)), SHORTEST_CLIP, LONGEST_CLIP))
    needed = math.ceil(rhythm.longest_rr_s * fps) + 3
    frames = recipe.frames or max(drawn, needed)
    if frames < needed:
        # A fixed length: fewer frames/s first, then a faster heart.
        fps = max(FPS_RANGE[0], (frames - 3) / rhythm.longest_rr_s)
        quicker = min(1.0, (frames - 3) / fps / rhythm.longest_rr_s)
        rhythm = replace(rhythm, mean_rr_s=rhythm.mean_rr_s * quicker)
    # Rates with two decimals are exact in the AVI header.
    return rhythm, max(FPS_RANGE[0], math.floor(fps * 100) / 100), frames
