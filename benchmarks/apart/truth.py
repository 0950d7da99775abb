"""The truth of a cine: masks, disc volumes, beats and EF, all from the endocardial outlines."""

from __future__ import annotations

import cv2
import numpy as np

from apart.case import Case, Screen
from apart.ventricle import discs


def place(case: Case, points: np.ndarray, breath: np.ndarray) -> np.ndarray:
    """Heart coordinates to world coordinates (mm from the probe); breath is (dx, dy, turn)."""
    angle = case.placement.turn + breath[2]
    c, s = np.cos(angle), np.sin(angle)
    origin = np.array([case.placement.apex_x + breath[0], case.placement.apex_depth + breath[1]])
    return points @ np.array([[c, s], [-s, c]]) + origin


def unplace(case: Case, points: np.ndarray, breath: np.ndarray) -> np.ndarray:
    """World coordinates back to heart coordinates."""
    angle = case.placement.turn + breath[2]
    c, s = np.cos(angle), np.sin(angle)
    origin = np.array([case.placement.apex_x + breath[0], case.placement.apex_depth + breath[1]])
    return (points - origin) @ np.array([[c, -s], [s, c]])


def to_pixels(screen: Screen, world: np.ndarray) -> np.ndarray:
    """World mm to picture coordinates, where (0, 0) is the upper left corner of the first pixel."""
    sx = -screen.scale if screen.flip_x else screen.scale
    sy = -screen.scale if screen.flip_y else screen.scale
    return np.stack(
        [screen.origin_x + sx * world[:, 0], screen.origin_y + sy * world[:, 1]], axis=1
    )


def fill(screen: Screen, outline: np.ndarray) -> np.ndarray:
    """Mask of an outline in picture coordinates: pixels covered by at least one half.

    OpenCV's fill takes in every cell that the border touches, so border cells count one half.
    """
    fine = 8 if screen.width < 300 else 4
    mask = np.zeros((screen.height, screen.width), bool)
    low = np.maximum(np.floor(outline.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(outline.max(axis=0)).astype(int) + 1, (screen.width, screen.height))
    wide, tall = (int(v) for v in high - low)
    canvas = np.zeros((tall * fine, wide * fine), np.uint8)
    points = np.round(((outline - low) * fine - 0.5) * 256).astype(np.int32)
    cv2.fillPoly(canvas, [points], 254, shift=8)
    cv2.polylines(canvas, [points], True, 127, 1, cv2.LINE_8, shift=8)
    mask[low[1] : high[1], low[0] : high[0]] = (
        cv2.resize(canvas, (wide, tall), interpolation=cv2.INTER_AREA) >= 127
    )
    return mask


def find_beats(peaks: np.ndarray, volumes: np.ndarray, fps: float) -> list[tuple[int, int]]:
    """(ED, ES) frames of the beats whose two R peaks both lie inside the cine.

    ED is the largest volume within 0.12 s of the first R peak, ES the smallest up to the next one.
    """
    last = len(volumes) - 1
    beats = []
    reach = round(0.12 * fps)
    for first, second in zip(peaks[:-1] * fps, peaks[1:] * fps, strict=False):
        if first < -0.5 or second > last + 0.5:
            continue
        low, high = max(0, round(first) - reach), round(first) + reach
        ed = low + int(np.argmax(volumes[low : high + 1]))
        es = ed + int(np.argmin(volumes[ed : round(second) + 1]))
        beats.append((ed, es))
    return beats


def ejection_fraction(volumes: np.ndarray, beats: list[tuple[int, int]]) -> np.ndarray:
    """EF in % of each beat."""
    return np.array([100.0 * (volumes[d] - volumes[s]) / volumes[d] for d, s in beats])


def chords(
    screen: Screen, case: Case, line: np.ndarray, breath: np.ndarray, count: int
) -> np.ndarray:
    """The long axis and `count` disc diameters in pixels, (count + 1, 4): X1, Y1, X2, Y2."""
    axis, left, right, _ = discs(line, count)
    ends = [to_pixels(screen, place(case, p, breath)) for p in (axis, left, right)]
    first = np.concatenate([ends[0][0], ends[0][1]])[None]
    return np.vstack([first, np.hstack([ends[1], ends[2]])])
