"""Turning echo levels into pictures: speckle, beam width, log compression, scan conversion."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho_train.phantom.anatomy import Grid, Scene
from edgeecho_train.phantom.arrays import (
    Image,
    amplitude_to_decibel,
    blur,
    decibel_to_amplitude,
    magnitude,
    normal,
    power,
    sample,
    smooth_field,
)
from edgeecho_train.phantom.view import View

SAMPLES = 272
BEAMS = 136
_SHAPE = (SAMPLES, BEAMS)
_NEAREST_CM = 0.05
_TEXTURE_CELLS = 1024
_MOVING_SPECKLE = 1.4
_FLICKER_MEMORY = 0.92
"""Frame-to-frame correlation of the speckle that does not move with the tissue."""


@dataclass(frozen=True)
class Appearance:
    """Settings of the scanner and the acoustic window."""

    gain_db: float
    dynamic_range_db: float
    gamma: float
    clutter: float
    """Strength of the reverberation just under the probe."""
    noise: float
    """Strength of the electronic noise, which grows with depth."""
    shadow_db: float
    """Depth of rib and lung shadows."""
    persistence: float
    """Weight of the previous picture in the displayed one."""
    decorrelation: float
    """Typical strength of the speckle that does not move with the tissue; it varies locally."""
    haze: float
    """Strength of the stationary reverberation that veils parts of the chambers."""
    breath_db: float
    """Variation of the gain with breathing, as contact and window change."""


class Scanner:
    """Turns scenes into frames; keeps the state that a frame passes to the next."""

    def __init__(self, view: View, appearance: Appearance, rng: np.random.Generator) -> None:
        self._look = appearance
        self._view = view
        self._rng = rng
        radius = np.linspace(_NEAREST_CM, view.depth_cm, SAMPLES, dtype=np.float32)[:, None]
        beam = np.linspace(-view.half_angle, view.half_angle, BEAMS, dtype=np.float32)[None, :]
        self.grid = Grid(
            x=radius * np.sin(beam),
            z=radius * np.cos(beam),
            coarse=smooth_field(rng, _SHAPE, 25, 25),
            fine=smooth_field(rng, _SHAPE, 4, 4),
        )
        self._texture = [normal(rng, (_TEXTURE_CELLS, _TEXTURE_CELLS)) for _ in range(2)]
        self._flicker = [normal(rng, _SHAPE) for _ in range(2)]
        self._decorrelation = appearance.decorrelation * _lognormal(rng, 12, 0.5)
        deep, aside = radius / view.depth_cm, np.abs(beam) / view.half_angle
        self._transmission = self._transmitted(radius, deep, aside)
        near = 0.08 * appearance.clutter * np.exp(-radius)
        veil = 0.0014 * appearance.haze * _lognormal(rng, 18, 1.0)
        self._clutter = np.asarray(near + veil, np.float32)
        self._noise = np.asarray(0.0016 * appearance.noise * 10 ** (0.5 * deep), np.float32)
        self._map = _scan_conversion(view)
        self._shown: Image | None = None

    def frame(self, scene: Scene, time_s: float) -> NDArray[np.uint8]:
        """The next displayed frame, (size, size) uint8, `time_s` from the start of the clip."""
        look = self._look
        level = amplitude_to_decibel(self._receive(scene))
        gain_db = look.gain_db + look.breath_db * self._view.breath(time_s)
        level += gain_db + look.dynamic_range_db
        level /= look.dynamic_range_db
        grey = power(np.clip(level, 0, 1), look.gamma)
        picture = sample(grey, *self._map)
        # Beyond 255 the brightest echoes saturate, as on a scanner.
        picture *= 300
        if self._shown is not None:
            picture += look.persistence * (self._shown - picture)
        self._shown = picture
        shown: NDArray[np.uint8] = np.clip(picture + 0.5, 0, 255).astype(np.uint8)
        return shown

    def _receive(self, scene: Scene) -> Image:
        """Envelope of the received signal, positive; 1 for a bright specular reflector."""
        amplitude = decibel_to_amplitude(scene.level_db)
        fresh = math.sqrt(1 - _FLICKER_MEMORY**2)
        parts = []
        for texture, flicker in zip(self._texture, self._flicker, strict=True):
            np.multiply(flicker, _FLICKER_MEMORY, out=flicker)
            np.add(flicker, fresh * normal(self._rng, _SHAPE), out=flicker)
            speckle = sample(texture, scene.texture_x, scene.texture_y, wrap=True)
            speckle *= _MOVING_SPECKLE
            speckle += self._decorrelation * flicker
            speckle *= amplitude
            parts.append(blur(speckle, 1.9, 1.2, reach=3))
        echo = magnitude(parts[0], parts[1])
        echo *= self._transmission
        echo += self._clutter * np.abs(self._flicker[0] * 0.5 + 1)
        echo += self._noise * np.abs(self._flicker[1])
        echo += 1e-6
        return echo

    def _transmitted(self, radius: Image, deep: Image, aside: Image) -> Image:
        """Attenuation with depth, roll-off at the sector's edges, and shadows, as amplitudes."""
        ribs = smooth_field(self._rng, (1, BEAMS), 9, 1)
        shadow = np.clip(ribs - 0.6, 0, 2) * np.clip(radius / 4, 0, 1)
        lung = np.clip((aside - 0.72) / 0.28, 0, 1) * np.clip((radius - 3) / 3, 0, 1)
        loss_db = 6 * deep**2 + 7 * aside**3 - 1.5 * self.grid.coarse
        loss_db = loss_db + self._look.shadow_db * (shadow + 1.5 * lung)
        return decibel_to_amplitude(-loss_db)


def _lognormal(rng: np.random.Generator, sigma: float, spread: float) -> Image:
    """A smooth positive field with median 1; `spread` is the sd of its logarithm."""
    return np.asarray(np.exp(spread * smooth_field(rng, _SHAPE, sigma, sigma)), np.float32)


def _scan_conversion(view: View) -> tuple[Image, Image]:
    """The beam and the sample that each pixel shows; an invalid position outside the sector."""
    rows, columns = np.mgrid[: view.size, : view.size]
    x = (columns - view.probe_x_px) * view.cm_per_pixel
    z = (rows - view.probe_y_px) * view.cm_per_pixel
    radius, angle = np.hypot(x, z), np.arctan2(x, z)
    beam = (angle + view.half_angle) / (2 * view.half_angle) * (BEAMS - 1)
    depth = (radius - _NEAREST_CM) / (view.depth_cm - _NEAREST_CM) * (SAMPLES - 1)
    outside = (np.abs(angle) > view.half_angle) | (radius > view.depth_cm) | (radius < 0.1)
    beam[outside] = -10
    return beam.astype(np.float32), depth.astype(np.float32)
