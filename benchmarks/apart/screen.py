"""From the polar envelope to the picture: log compression, scan conversion, tint and decoration."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from apart.beam import RANGE_STEP
from apart.case import Case


@dataclass(frozen=True)
class Scan:
    """Fixed maps from picture to grid, the sector mask and the decorated empty page."""

    map_a: np.ndarray
    map_b: np.ndarray
    inside: np.ndarray
    page: np.ndarray
    table: np.ndarray  # (256, 3) grey to colour
    fine: int
    box: tuple[slice, slice]  # rows and columns of the picture that hold the sector


def make_scan(case: Case, beams: int) -> Scan:
    """Scan-conversion maps; small pictures are formed at twice their size and averaged down."""
    s, m = case.screen, case.machine
    fine = 2 if s.width < 300 else 1
    x = (np.arange(s.width * fine) + 0.5) / fine - s.origin_x
    y = (np.arange(s.height * fine) + 0.5) / fine - s.origin_y
    x = x / (-s.scale if s.flip_x else s.scale)
    y = y / (-s.scale if s.flip_y else s.scale)
    gx, gy = np.meshgrid(x, y)
    r, angle = np.hypot(gx, gy), np.arctan2(gx, gy)
    inside = (np.abs(angle) < m.half_angle) & (r < m.depth) & (r > 0.6)
    col = (angle + m.half_angle) / (2 * m.half_angle) * beams - 0.5
    row = r / RANGE_STEP - 0.5
    col, row = (
        np.where(inside, col, -9).astype(np.float32),
        np.where(inside, row, -9).astype(np.float32),
    )
    rows, cols = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    box = (
        slice(int(rows[0]) // fine, int(rows[-1]) // fine + 1),
        slice(int(cols[0]) // fine, int(cols[-1]) // fine + 1),
    )
    big = tuple(slice(b.start * fine, b.stop * fine) for b in box)
    map_a, map_b = cv2.convertMaps(
        np.ascontiguousarray(col[big]), np.ascontiguousarray(row[big]), cv2.CV_16SC2
    )
    small = inside[::fine, ::fine]
    grey = np.arange(256) / 255.0
    table = np.clip(255 * grey[:, None] ** (1.0 / np.asarray(s.tint))[None], 0, 255).astype(
        np.uint8
    )
    return Scan(map_a, map_b, small[box].astype(np.uint8), decorate(case, small), table, fine, box)


def decorate(case: Case, inside: np.ndarray) -> np.ndarray:
    """The still page around the sector."""
    s, m = case.screen, case.machine
    page = np.full((s.height, s.width, 3), s.border, np.uint8)
    page[inside] = 0
    font = cv2.FONT_HERSHEY_SIMPLEX
    if s.text:
        rate = 60.0 / np.mean(np.diff(case.rhythm.r_times))
        lines = (
            f"APART {case.index:04d}",
            f"{case.fps:.0f} Hz",
            f"{m.depth / 10:.1f} cm",
            f"HR {rate:.0f}",
            f"G {m.gain_db:+.0f} C {m.range_db:.0f}",
        )
        for i, line in enumerate(lines):
            cv2.putText(page, line, (14, 28 + 18 * i), font, 0.45, (200, 205, 190), 1, cv2.LINE_AA)
    if s.bar:
        ramp = np.linspace(255, 0, 140).astype(np.uint8)[:, None]
        page[40:180, s.width - 34 : s.width - 20] = np.repeat(ramp, 14, axis=1)[..., None]
        cv2.rectangle(page, (s.width - 35, 39), (s.width - 20, 180), (110, 110, 110), 1)
    if s.ticks:
        side = -1 if s.flip_y else 1
        for cm in range(1, int(m.depth / 10) + 1):
            y = int(s.origin_y + side * cm * 10 * s.scale)
            cv2.line(
                page, (s.width - 60, y), (s.width - (50 if cm % 5 else 44), y), (170, 170, 170), 1
            )
    return page


def compress(case: Case, envelope: np.ndarray) -> np.ndarray:
    """Envelope to grey levels on the polar grid."""
    m = case.machine
    db = 20 * np.log10(envelope + 1e-6) + m.gain_db
    level = np.clip(1.0 + db / m.range_db, 0.0, 1.0) ** m.gamma
    grey = (255 * level).astype(np.uint8)
    return cv2.GaussianBlur(grey, (0, 0), m.smooth) if m.smooth > 0.2 else grey


def picture(case: Case, scan: Scan, grey: np.ndarray, ecg: np.ndarray, now: int) -> np.ndarray:
    """One RGB frame from grey levels on the polar grid."""
    s = case.screen
    image = cv2.remap(
        grey, scan.map_a, scan.map_b, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
    )
    if scan.fine > 1:
        image = cv2.resize(
            image,
            (image.shape[1] // scan.fine, image.shape[0] // scan.fine),
            interpolation=cv2.INTER_AREA,
        )
    colour = cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)
    if s.tint != (1.0, 1.0, 1.0):
        colour = cv2.LUT(colour, scan.table[None])
    frame = scan.page.copy()
    window = frame[scan.box]
    cv2.copyTo(colour, scan.inside, window)
    if s.ecg:
        draw_ecg(frame, ecg, now)
    return frame


def draw_ecg(frame: np.ndarray, ecg: np.ndarray, now: int) -> None:
    """The ECG up to now, along the lower edge."""
    high, wide = frame.shape[:2]
    left, right, base, size = 0.08 * wide, 0.92 * wide, 0.965 * high, 0.045 * high
    x = np.linspace(left, right, len(ecg))
    points = np.stack([x, base - size * ecg], axis=1).round().astype(np.int32)
    cv2.polylines(frame, [points], False, (30, 80, 40), 1, cv2.LINE_AA)
    cv2.polylines(frame, [points[: now + 1]], False, (90, 230, 110), 1, cv2.LINE_AA)
    cv2.circle(frame, tuple(int(v) for v in points[now]), 2, (255, 240, 120), -1)
