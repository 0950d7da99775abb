"""What the scanner's screen and its export add to a picture: burnt-in marks and JPEG blocks.

None of it depends on the ejection fraction: characters are random, ticks follow the depth, and the
ECG follows the RR intervals alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FINE = 4
"""Text is drawn this many times larger and then scaled down, as a real screen is."""
_SHIFT = 4
"""Fractional bits in OpenCV's line coordinates."""

_LONGEST_SWEEP_S = 4.0

# Time after the R wave in s, width (sd) in s, and height relative to the R wave.
_P_WAVE = (-0.16, 0.02, 0.15)
_R_WAVE = (0.0, 0.012, 1.0)
_S_WAVE = (0.03, 0.012, -0.25)
_T_WAVE = (0.28, 0.04, 0.3)


@dataclass(frozen=True)
class Label:
    """A few characters of screen text."""

    text: str
    x_px: float
    y_px: float
    """Lower left corner."""


@dataclass(frozen=True)
class Ticks:
    """A depth scale: one tick per centimetre."""

    x_px: float
    top_px: float
    spacing_px: float
    count: int


@dataclass(frozen=True)
class EcgStrip:
    """An ECG trace that sweeps from left to right."""

    left_px: float
    width_px: float
    baseline_px: float
    height_px: float
    """Height of an R wave."""
    sweep_s: float
    """Time from the left end to the right end."""


@dataclass(frozen=True)
class Overlay:
    """Marks burnt into the picture."""

    grey: int
    labels: tuple[Label, ...] = ()
    ticks: Ticks | None = None
    ecg: EcgStrip | None = None


@dataclass(frozen=True)
class ScannerExport:
    """How the pictures left the scanner."""

    jpeg_quality: int
    """JPEG quality of the export, 1 to 100; the AVI's own is higher."""
    repeat_every: int | None = None
    """One frame in this many repeats the previous one, as if recorded faster than scanned."""
    overlay: Overlay | None = None


def picture_times(frames: int, fps: float, repeat_every: int | None) -> Floats:
    """Time in s at which the picture in each frame was taken.

    With one frame in k repeated, the scanner takes pictures at fps (k - 1) / k, and each recorded
    frame shows the latest. Equal times mean equal frames.
    """
    frame = np.arange(frames)
    if repeat_every is None:
        return frame / fps
    picture = frame * (repeat_every - 1) // repeat_every
    return picture * repeat_every / ((repeat_every - 1) * fps)


class Screen:
    """Draws the marks onto a frame and compresses it."""

    def __init__(
        self,
        export: ScannerExport,
        size: int,
        rr_s: Sequence[float],
        start_s: float,
        *,
        p_wave: bool,
    ) -> None:
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, export.jpeg_quality]
        self._overlay = export.overlay
        self._marks = _marks(export.overlay, size) if export.overlay else None
        self._r_waves = _r_waves(rr_s) - start_s
        self._waves = (_R_WAVE, _S_WAVE, _T_WAVE, *((_P_WAVE,) if p_wave else ()))

    def show(self, frame: NDArray[np.uint8], time_s: float) -> NDArray[np.uint8]:
        """The exported frame, (H, W) uint8, at a time from the start of the clip."""
        if self._overlay and self._marks is not None:
            marks = self._marks
            if self._overlay.ecg:
                marks = self._with_trace(marks, self._overlay.ecg, self._overlay.grey, time_s)
            frame = np.maximum(frame, marks)
        coded = cv2.imencode(".jpg", frame, self._quality)[1]
        return np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)

    def _with_trace(
        self, marks: NDArray[np.uint8], ecg: EcgStrip, grey: int, time_s: float
    ) -> NDArray[np.uint8]:
        column = np.arange(0, ecg.width_px, 0.5)
        age = (time_s / ecg.sweep_s - column / ecg.width_px) % 1
        y = ecg.baseline_px - ecg.height_px * self._voltage(time_s - age * ecg.sweep_s)
        points = np.round(np.stack([ecg.left_px + column, y], axis=-1) * 2**_SHIFT)
        # The newest point is at the right end of the new part; a gap before the old part is erased.
        newest = int(np.argmin(age))
        parts = (points[: newest + 1], points[newest + 1 :][age[newest + 1 :] < 0.94])
        traced = marks.copy()
        lines = [part.astype(np.int32) for part in parts if len(part) > 1]
        cv2.polylines(traced, lines, False, grey, 1, cv2.LINE_AA, _SHIFT)
        return traced

    def _voltage(self, time_s: Floats) -> Floats:
        after = time_s[:, None] - self._r_waves
        total = np.zeros_like(time_s)
        for centre, sd, height in self._waves:
            total += height * np.exp(-0.5 * ((after - centre) / sd) ** 2).sum(axis=1)
        return total


def _r_waves(rr_s: Sequence[float]) -> Floats:
    """Times of the R waves in s; earlier beats are the same ones backwards."""
    earlier = list(rr_s) * math.ceil(_LONGEST_SWEEP_S / sum(rr_s))
    return np.array([*(-time for time in accumulate(earlier)), 0.0, *accumulate(rr_s)])


def _marks(overlay: Overlay, size: int) -> NDArray[np.uint8]:
    """The marks that do not move, as a picture (size, size)."""
    large = np.zeros((size * _FINE, size * _FINE), np.uint8)
    for label in overlay.labels:
        corner = (round(label.x_px * _FINE), round(label.y_px * _FINE))
        cv2.putText(large, label.text, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.5, overlay.grey, 2)
    if ticks := overlay.ticks:
        for number in range(ticks.count):
            y = round((ticks.top_px + number * ticks.spacing_px) * _FINE)
            x = round(ticks.x_px * _FINE)
            # Every fifth is longer.
            end = x + (4 if number % 5 == 0 else 2) * _FINE
            cv2.line(large, (x, y), (end, y), overlay.grey, 3)
    return np.asarray(cv2.resize(large, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
