"""The part of a mask that is the left ventricle, and how far a mask can be relied on."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def largest_parts(masks: Mask) -> tuple[Mask, NDArray[np.int64]]:
    """The largest connected part of each mask `(T, H, W)`, and the number of parts `(T,)`."""
    parts = masks.copy()
    counts = np.zeros(len(masks), np.int64)
    for frame, mask in enumerate(masks):
        found, labels, stats, _ = cv2.connectedComponentsWithStats(
            mask.astype(np.uint8), connectivity=4
        )
        counts[frame] = found - 1
        if found > 2:
            parts[frame] = labels == 1 + np.argmax(stats[1:, cv2.CC_STAT_AREA])
    return parts, counts


def inner_edge(mask: Mask) -> Mask:
    """Pixels of `mask` `(H, W)` that have one of their four neighbours outside it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.asarray(mask & ~inner)


def border_contact(mask: Mask, sector: Mask) -> float:
    """Share of a mask's outline that lies on the edge of the sector or beyond it, 0 to 1."""
    outline = inner_edge(mask)
    length = int(outline.sum())
    within = sector & ~inner_edge(sector)
    return float((outline & ~within).sum() / length) if length else 0.0


def overlap(one: Mask, other: Mask) -> float:
    """Dice coefficient of two masks, 0 to 1; of two empty ones 0."""
    both = int(one.sum()) + int(other.sum())
    return float(2 * (one & other).sum() / both) if both else 0.0
