"""From scatterers to shown frames: window, gain, noise, compression, persistence, conversion."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho_train.speckle.beam import BEAMS, NEAREST_CM, SAMPLES, Beam, Signal
from edgeecho_train.speckle.settings import Settings
from edgeecho_train.speckle.view import SIZE, View

Floats = NDArray[np.float64]
Picture = NDArray[np.float32]

_FINER = 2
"""Pictures are converted at this multiple of their size and averaged, as exports are."""
_LOUDEST = 255.0
_FLOOR = 1e-5
_STATIONARY = 12_000


class Scanner:
    """Turns scatterers into frames; keeps the picture that persistence needs."""

    def __init__(
        self, view: View, beam: Beam, settings: Settings, rng: np.random.Generator
    ) -> None:
        self._beam, self._settings, self._rng = beam, settings, rng
        self._window = _amplitude(-_losses_db(view, beam, settings, rng))
        self._clutter = _stationary(beam, settings, rng)
        deep = beam.range_cm[:, None] / beam.depth_cm
        # The compensation that lifts deep echoes lifts the noise too.
        self._noise = _amplitude(settings.noise_db + 26 * (deep - 1))
        self._map = _conversion(view)
        self._shown: Picture | None = None

    def envelope(self, x: Floats, z: Floats, amplitude: Floats) -> Picture:
        """Envelope `(SAMPLES, BEAMS)` of scatterers at (x, z) in cm, before compression."""
        points = self._beam.scatter(x, z, amplitude)
        received = self._beam.receive(points) * self._window + self._clutter
        noise = self._rng.standard_normal((2, SAMPLES, BEAMS), dtype=np.float32)
        received += self._noise * (noise[0] + 1j * noise[1])
        return np.asarray(np.abs(received), np.float32)

    def frame(self, envelope: Picture) -> NDArray[np.uint8]:
        """The next shown frame `(SIZE, SIZE)`."""
        settings = self._settings
        level = 20 * np.log10(envelope + _FLOOR) + settings.gain_db
        bright = np.clip(level / settings.dynamic_range_db + 1, 0, 1.1) ** settings.curve
        fine = cv2.remap(bright.astype(np.float32), *self._map, cv2.INTER_LINEAR)
        picture = np.asarray(cv2.resize(fine, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
        if self._shown is not None:
            picture = picture + settings.persistence * (self._shown - picture)
        self._shown = np.asarray(picture, np.float32)
        return np.asarray(np.clip(picture * _LOUDEST + 0.5, 0, 255), np.uint8)


def _losses_db(view: View, beam: Beam, settings: Settings, rng: np.random.Generator) -> Floats:
    """Losses `(SAMPLES, BEAMS)`: what compensation leaves of attenuation, dropout and shadows."""
    r = beam.range_cm[:, None]
    angle = np.linspace(-beam.half_angle, beam.half_angle, BEAMS)[None, :]
    deep, aside = r / beam.depth_cm, angle / beam.half_angle
    loss = np.zeros((SAMPLES, BEAMS))
    for wave in range(1, 5):
        error = float(rng.normal(0, settings.compensation_db / 1.4))
        loss += error * np.sin(wave * np.pi * deep + float(rng.uniform(0, 2 * np.pi)))
    # The heart's lateral wall lies along the beam on the right side of the picture.
    loss += settings.lateral_loss_db * _rise(aside, float(rng.uniform(0.2, 0.5)), 0.35)
    near = np.exp(-(((r - view.apex_cm[1]) / 1.3) ** 2))
    loss += settings.apical_loss_db * near * np.exp(-((aside / 0.6) ** 2))
    loss += 8 * np.abs(aside) ** 6
    for centre, half_width, depth in settings.ribs:
        shadow = np.exp(-(((angle - centre) / half_width) ** 4))
        loss += depth * shadow * _rise(r, 1.5, 1.0)
    return np.asarray(loss)


def _stationary(beam: Beam, settings: Settings, rng: np.random.Generator) -> Signal:
    """Echoes that do not move: reverberation near the probe, arcs, and a haze over the chambers."""
    r = rng.uniform(NEAREST_CM, beam.depth_cm, _STATIONARY)
    angle = rng.uniform(-1, 1, _STATIONARY) * beam.half_angle * 1.1
    area = 2 * 1.1 * beam.half_angle * r * beam.depth_cm / _STATIONARY
    patches = sum(
        np.sin(float(rng.uniform(2, 7)) * angle + float(rng.uniform(0.3, 1.2)) * r + phase)
        for phase in rng.uniform(0, 2 * np.pi, 4).tolist()
    )
    level = _amplitude(settings.haze_db + 5 * np.asarray(patches))
    level += _amplitude(settings.clutter_db) * np.exp(-((r / 1.6) ** 2))
    for centre, aside, height in settings.echoes:
        arc = ((r - centre) / 0.3) ** 2 + ((angle - aside) / (0.4 * beam.half_angle)) ** 2
        level += _amplitude(height) * np.exp(-arc)
    points = beam.scatter(r * np.sin(angle), r * np.cos(angle), level * np.sqrt(area))
    return beam.receive(points)


def _conversion(view: View) -> tuple[Picture, Picture]:
    """Column and row of the polar grid for every fine pixel; invalid outside the sector."""
    x, z = view.pixels(_FINER)
    r, angle = np.hypot(x, z), np.arctan2(x, z)
    column = (angle + view.half_angle) / (2 * view.half_angle) * (BEAMS - 1)
    row = (r - NEAREST_CM) / (view.depth_cm - NEAREST_CM) * (SAMPLES - 1)
    column[(np.abs(angle) > view.half_angle) | (r > view.depth_cm)] = -10
    return column.astype(np.float32), row.astype(np.float32)


def _amplitude(level_db: Floats | float) -> Floats:
    return np.asarray(10 ** (np.asarray(level_db) / 20))


def _rise(value: Floats, start: float, length: float) -> Floats:
    """From 0 at `start` to 1 after `length`."""
    x = np.clip((value - start) / length, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))
