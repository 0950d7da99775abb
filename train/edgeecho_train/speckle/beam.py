"""Image formation in polar coordinates: from point scatterers to the complex envelope.

A scatterer at range r returns the pulse's envelope with the phase -2kr of its way there and back.
The received signal is the sum of all, convolved with a Gaussian pulse along the range and a
Gaussian beam across it, whose width has a waist at the focus (Jensen, Ultrasound Imaging, 1996,
for the linear model; Siegman, Lasers, 1986, for the waist). Only the phase makes speckle: nothing
is drawn anew from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Signal = NDArray[np.complex64]

SAMPLES = 288
BEAMS = 112
NEAREST_CM = 0.2
_MARGIN = 12
"""Beams beyond either edge, so that the convolution does not wrap around."""
_COLUMNS = BEAMS + 2 * _MARGIN
_WIDEST = 0.11


@dataclass(frozen=True)
class Beam:
    """Pulse and beam of a phased array."""

    depth_cm: float
    half_angle: float
    """Half the opening angle of the sector, in radians."""
    wavelength_cm: float
    pulse_cm: float
    """Standard deviation of the two-way pulse's envelope along the range."""
    waist_cm: float
    """Standard deviation of the two-way beam across it, at the focus."""
    focus_cm: float
    field_cm: float
    """Distance from the focus at which the beam is wider by a factor of sqrt(2)."""

    @cached_property
    def range_cm(self) -> Floats:
        """Range `(SAMPLES,)` of every sample."""
        return np.linspace(NEAREST_CM, self.depth_cm, SAMPLES)

    @property
    def _beams_per_radian(self) -> float:
        return (BEAMS - 1) / (2 * self.half_angle)

    @cached_property
    def spread(self) -> Floats:
        """Standard deviation `(SAMPLES,)` of the beam, in beams."""
        r = self.range_cm
        wide = self.waist_cm * np.sqrt(1 + ((r - self.focus_cm) / self.field_cm) ** 2)
        return np.minimum(wide / r, _WIDEST) * self._beams_per_radian

    @cached_property
    def _transfer(self) -> NDArray[np.float32]:
        """Of the beam at every range; a tissue of power 1 per square cm has a power of 1 after."""
        omega = 2 * np.pi * np.fft.fftfreq(_COLUMNS)
        across = np.exp(-0.5 * (self.spread[:, None] * omega) ** 2)
        step = (self.depth_cm - NEAREST_CM) / (SAMPLES - 1)
        cell = self.range_cm * step / self._beams_per_radian
        cells = 4 * np.pi * self.spread * self.pulse_cm / step
        return np.asarray(across * np.sqrt(cells / cell)[:, None], np.float32)

    def scatter(self, x: Floats, z: Floats, amplitude: Floats) -> Signal:
        """Scatterers at (x, z) in cm as points of the polar grid, before pulse and beam."""
        r = np.sqrt(x * x + z * z)
        row = (r - NEAREST_CM) * ((SAMPLES - 1) / (self.depth_cm - NEAREST_CM))
        # Behind the probe nothing is seen; for the rest this is twice as fast as arctan2.
        angle = np.arctan(x / np.maximum(z, 1e-6))
        column = (angle + self.half_angle) * self._beams_per_radian + _MARGIN
        seen = np.flatnonzero(
            (z > 0) & (row >= 0) & (row < SAMPLES - 1) & (column >= 0) & (column < _COLUMNS - 1)
        )
        row, column = row[seen], column[seen]
        # Turns are taken off first: in single precision sines are several times faster.
        turns = (-2 / self.wavelength_cm) * r[seen]
        phase = np.asarray(2 * np.pi * (turns - np.floor(turns)), np.float32)
        strength = amplitude[seen]
        real, imaginary = strength * np.cos(phase), strength * np.sin(phase)
        top, left = row.astype(np.intp), column.astype(np.intp)
        down, right = row - top, column - left
        grid = np.zeros((2, SAMPLES * _COLUMNS))
        first = top * _COLUMNS + left
        for offset, weight in (
            (0, (1 - down) * (1 - right)),
            (1, (1 - down) * right),
            (_COLUMNS, down * (1 - right)),
            (_COLUMNS + 1, down * right),
        ):
            for part, values in enumerate((real, imaginary)):
                grid[part] += np.bincount(first + offset, weight * values, SAMPLES * _COLUMNS)
        return np.asarray((grid[0] + 1j * grid[1]).reshape(SAMPLES, _COLUMNS), np.complex64)

    def receive(self, points: Signal) -> Signal:
        """The complex envelope `(SAMPLES, BEAMS)` of what `scatter` gave."""
        across = np.fft.ifft(np.fft.fft(points, axis=1) * self._transfer, axis=1)
        kept = across[:, _MARGIN:-_MARGIN]
        parts = np.stack([kept.real, kept.imag], axis=-1).astype(np.float32)
        sigma = self.pulse_cm / ((self.depth_cm - NEAREST_CM) / (SAMPLES - 1))
        size = 2 * int(3.5 * sigma) + 1
        pulse = cv2.getGaussianKernel(size, sigma)
        blurred = cv2.sepFilter2D(parts, -1, np.ones(1), pulse)
        return np.asarray(blurred[..., 0] + 1j * blurred[..., 1], np.complex64)
