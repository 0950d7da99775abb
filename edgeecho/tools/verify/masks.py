"""How far an engine's masks are from PyTorch's on the same frames, and the limits of that."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.precisions import MaskLimits
from edgeecho.engines import GraphEngine

BATCHES = (1, 16)
"""A single frame, and the number that inference asks for in a call."""
EACH = 4
"""Frames of each reference clip, spread evenly over it."""
# An area is compared with PyTorch's, or with this share of the picture where that is smaller: of a
# few pixels one more is much.
_LEAST_AREA = 0.01

_WORDS = {
    "dice": "gives masks with a Dice coefficient of {:.5f} with PyTorch's, at least {:g} is needed",
    "area": "gives areas that differ from PyTorch's by {:.3f} % on average, allowed are {:g}",
    "worst_area": "gives an area that differs from PyTorch's by {:.2f} %, allowed are {:g}",
}


@dataclass(frozen=True, eq=False)
class MaskReferences:
    """Frames that no artefact was fitted to, with the masks that are expected of them."""

    frames: NDArray[np.float32]
    """`(n, 3, S, S)`, normalised."""
    expected: NDArray[np.bool_]
    """`(n, S, S)` of PyTorch in FP32."""


@dataclass(frozen=True)
class MaskDrift:
    """The statistics of `MaskCheck`; NaN if a logit was not a number."""

    dice: float
    area: float
    worst_area: float

    @classmethod
    def of(cls, found: NDArray[np.bool_], expected: NDArray[np.bool_]) -> MaskDrift:
        """From masks `(n, S, S)` of the artefact and of PyTorch."""
        both = int(found.sum()) + int(expected.sum())
        dice = 2 * int((found & expected).sum()) / both if both else 1.0
        areas, wanted = (masks.sum(axis=(1, 2)).astype(float) for masks in (found, expected))
        least = _LEAST_AREA * expected[0].size
        differ = 100 * np.abs(areas - wanted) / np.maximum(wanted, least)
        return cls(dice, float(differ.mean()), float(differ.max()))


def frames_of(clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reference frames from reference clips: `(n, 3, T, S, S)` -> `(n * EACH, 3, S, S)`."""
    count, channels, length = clips.shape[:3]
    places = np.linspace(0, length - 1, EACH).round().astype(int)
    frames = clips[:, :, places].swapaxes(1, 2)
    return np.ascontiguousarray(frames.reshape(count * EACH, channels, *clips.shape[3:]))


def measure_masks(
    engine: GraphEngine, references: MaskReferences, batches: tuple[int, ...] = BATCHES
) -> MaskDrift:
    """Run all frames in each batch size; the worst of each statistic counts."""
    drifts: list[MaskDrift] = []
    for size in batches:
        masks = find_masks(engine, references.frames, size)
        if masks is None:
            return MaskDrift(math.nan, math.nan, math.nan)
        drifts.append(MaskDrift.of(masks, references.expected))
    return MaskDrift(
        min(drift.dice for drift in drifts),
        max(drift.area for drift in drifts),
        max(drift.worst_area for drift in drifts),
    )


def find_masks(
    engine: GraphEngine, frames: NDArray[np.float32], size: int
) -> NDArray[np.bool_] | None:
    """Masks of frames `(n, 3, S, S)`, `size` a call; None if a logit is not a number.

    A last batch that is not full is filled up with copies of its last frame.
    """
    masks = []
    for first in range(0, len(frames), size):
        some = frames[first : first + size]
        missing = [(0, size - len(some)), (0, 0), (0, 0), (0, 0)]
        logits = engine.infer({"frame": np.pad(some, missing, mode="edge")})["logits"]
        if not np.isfinite(logits).all():
            return None
        masks.append(logits[: len(some)] > 0)
    return np.concatenate(masks)


def miss_masks(drift: MaskDrift, limits: MaskLimits) -> str | None:
    """The first statistic that misses its limit, worded to follow an engine's name; None: none."""
    if math.isnan(drift.dice):
        return "gives masks that are not numbers"
    for name, words in _WORDS.items():
        value, limit = getattr(drift, name), getattr(limits, name)
        if value < limit if name == "dice" else value > limit:
            return words.format(value, limit)
    return None
