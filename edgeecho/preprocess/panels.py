"""Separating the panels of a screen by shape and content; see `docs/inputs.md`.

All masks are `(h, w)` of 0 and 1 on the map's grid. The thresholds were chosen on 600 generated
screens, half of them with panels; the comments give the values measured there.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]
# Minimum size of the smaller panel as a share of the larger.
_LEAST_RATIO = 0.2
# An apex is above the middle of its fan: maximum distance from it, as a share of the fan's width.
# 95 % of the panels had less than 0.1; the halves of a sector split by a shadow, about 0.4.
_ASKEW = 0.14
# Minimum depth of the dark valley between two apexes, as a share of their distance: 0.4 or more
# between fans of up to 100 degrees that touch at their corners, 0.2 or less under a curved probe.
_LEAST_VALLEY = 0.28
# Its minimum width where both fans have begun, as a share of the narrower fan.
_LEAST_GAP = 0.4
# For two fans one below the other: maximum width at the start of the lower one as a share of either
# width (0.53 or less; 0.8 for a dark band through a sector). The waist is no wider than that start.
_WIDEST_APEX = 0.5
# Share of rows in which the edges of a straight gap are straight to a pixel.
_STRAIGHT = 0.8
# Share of a picture's fine detail that occurs twice: ideally half if one panel is a copy of the
# other. Copies with an overlay had 0.40 or more, other pictures 0.25 or less.
_TWICE = 0.36
# Minimum distance of the copies, as a share of the picture's width or height.
_APART = 0.3


def split_panels(
    mask: Mask, picture: NDArray[np.float32], whole: Callable[[Mask], bool]
) -> list[Mask]:
    """Divide a mask of what moves into one mask per panel; `[mask]` if it shows one sector.

    The result is empty if the mask is. `picture` is the mean picture; `whole` says whether a part
    is large and compact enough.
    """
    box = cv2.boundingRect(mask)
    if not box[2]:
        return []
    x, y, width, height = box
    inside = np.s_[y : y + height, x : x + width]
    tight = mask[inside]
    column = _column(tight)
    row = None if column is not None else _row(tight)
    if column is None and row is None:
        column, row = _repeated(tight, picture[inside])
    if column is None and row is None:
        return [mask]
    one, other = mask.copy(), mask.copy()
    if column is not None:
        one[:, x + column :], other[:, : x + column] = 0, 0
    elif row is not None:
        one[y + row :], other[: y + row] = 0, 0
    sizes = sorted(map(np.count_nonzero, (one, other)))
    if not (whole(one) and whole(other) and sizes[0] >= _LEAST_RATIO * sizes[1]):
        return [mask]
    return split_panels(one, picture, whole) + split_panels(other, picture, whole)


def _column(mask: Mask) -> int | None:
    """The column between two fans side by side, where a valley narrows downwards; or None.

    A shadow that splits a sector begins at the probe and widens instead.
    """
    top = _first(mask)
    ridge = top - np.maximum(np.minimum.accumulate(top), np.minimum.accumulate(top[::-1])[::-1])
    column, depth = _highest(ridge)
    if depth <= 0:
        return None
    left, right = mask[:, :column], mask[:, column:]
    both = left.any(axis=1) & right.any(axis=1)
    gap = (_first(left[:, ::-1].T) + _first(right.T))[both]
    few = len(gap) // 5
    if not few:
        return None
    if _straight(gap, len(mask)):
        return column
    narrower = min(cv2.boundingRect(part)[2] for part in (left, right))
    begin, end = np.median(gap[:few]), np.median(gap[-few:])
    fans = (
        depth >= _LEAST_VALLEY * (column + _apex(right) - _apex(left))
        and begin >= max(_LEAST_GAP * narrower, 0.9 * end)
        and max(_askew(left), _askew(right)) <= _ASKEW
    )
    return column if fans else None


def _row(mask: Mask) -> int | None:
    """The row between two fans one above the other: a waist with a new apex below it; or None.

    Below a mere dark band, a sector continues as wide as it was.
    """
    wide = _extent(mask)
    above, below = np.maximum.accumulate(wide), np.maximum.accumulate(wide[::-1])[::-1]
    row, depth = _highest(np.minimum(above, below) - wide, last=True)
    if depth <= 0:
        return None
    gap = _first(mask[:row][::-1]) + _first(mask[row:])
    if _straight(gap[mask[:row].any(axis=0) & mask[row:].any(axis=0)], mask.shape[1]):
        return row
    lower = wide[row:][wide[row:] > 0]
    apex = float(np.median(lower[: max(len(lower) * 15 // 100, 2)]))
    fans = (
        apex <= _WIDEST_APEX * min(above[row], below[row])
        and max(_askew(mask[:row]), _askew(mask[row:])) <= _ASKEW
    )
    return row if fans else None


def _repeated(mask: Mask, picture: NDArray[np.float32]) -> tuple[int | None, int | None]:
    """The column or row between a picture and its copy: the middle, in the copy's direction.

    The autocorrelation of fine detail is used, because an overlay leaves most of that.
    """
    detail = picture - cv2.GaussianBlur(picture, (0, 0), 2)
    detail *= mask / (np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), 4)) + 1)
    height, width = mask.shape
    padded = np.zeros([cv2.getOptimalDFTSize(2 * length) for length in mask.shape], np.float32)
    padded[:height, :width] = detail
    spectrum = cv2.dft(padded, nonzeroRows=height)
    power = cv2.mulSpectrums(spectrum, spectrum, 0, conjB=True)
    product = cv2.dft(power, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE, nonzeroRows=height)
    total = float(product[0, 0])
    # Shifts down and to the right, and down and to the left.
    right, left = product[:height, :width], product[:height, :-width:-1]
    down, across = round(_APART * height), round(_APART * width)
    best = 0.0
    place: tuple[int | None, int | None] = None, None
    for shifts in (right, left):
        for far, middle in (
            (shifts[: max(down, 1), across:], (width // 2, None)),
            (shifts[down:, : max(across, 1)], (None, height // 2)),
        ):
            if far.size and far.max() > max(best, _TWICE * total):
                best, place = float(far.max()), middle
    return place


def _straight(gap: NDArray[np.intp], length: int) -> bool:
    """Whether a gap has the same width along its length, as between rectangles.

    `gap` holds its width wherever both sides are present.
    """
    if len(gap) < _STRAIGHT * length:
        return False
    usual = np.median(gap)
    return bool(usual >= 2 and (np.abs(gap - usual) <= 1).mean() >= _STRAIGHT)


def _highest(values: NDArray[np.intp], *, last: bool = False) -> tuple[int, int]:
    """Index and value of the maximum between 0.2 and 0.8 of the length.

    With several maxima, the index is one after the last with `last`, otherwise their median.
    """
    begin, end = len(values) * 2 // 10, len(values) * 8 // 10
    if begin >= end:
        return 0, 0
    most = values[begin:end].max()
    places = begin + np.flatnonzero(values[begin:end] == most)
    return int(places[-1] + 1 if last else np.median(places)), int(most)


def _first(mask: Mask) -> NDArray[np.intp]:
    """The first non-zero row of each column; the height if there is none."""
    rows: NDArray[np.intp] = np.where(mask.any(axis=0), mask.argmax(axis=0), len(mask))
    return rows


def _extent(mask: Mask) -> NDArray[np.intp]:
    """Width of each row from its first to its last non-zero column."""
    span = mask.shape[1] - _first(mask.T) - _first(mask[:, ::-1].T)
    return np.asarray(np.maximum(span, 0), np.intp)


def _apex(mask: Mask) -> float:
    """The column of a fan's apex."""
    _, y, _, height = cv2.boundingRect(mask)
    columns = np.flatnonzero(mask[y : y + max(height // 10, 2)].any(axis=0))
    return float(columns[0] + columns[-1]) / 2


def _askew(mask: Mask) -> float:
    """Distance of the apex from the middle of the fan, as a share of its width."""
    x, _, width, _ = cv2.boundingRect(mask)
    return abs(_apex(mask) - x - (width - 1) / 2) / width
