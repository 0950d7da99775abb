"""The left ventricle traced in every frame of a video, and the beats in these masks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.beats import Beats, Rule, beats_of
from edgeecho.common.errors import EngineError
from edgeecho.engines import EngineFacts, GraphEngine
from edgeecho.preprocess import Prepared, PreprocessSpec, normalise

FRAMES = 16
"""Frames per engine call. Fewer are filled up, so that an engine meets one shape only."""
# In grey levels, mean over time: black outside the sector stays below it after JPEG.
_LIT = 4.0

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Traced:
    """Masks of all frames that the network saw, and what they say."""

    packed: NDArray[np.uint8]
    """`(T, ceil(S * S / 8))`: a bit a pixel, row by row, see `mask`."""
    size: int
    beats: Beats
    engine: EngineFacts
    ms: float
    """Time for masks and beats."""
    source: tuple[int, ...] | None = None
    """Number of the file's frame that each frame shows, from 0; None if frames of it are lost."""
    pixel_doubt: str | None = None
    """Why the size of a pixel, which the file says, is not used."""

    def mask(self, frame: int) -> Mask:
        """`(S, S)`: true where the network sees the left ventricle in this frame."""
        bits = np.unpackbits(self.packed[frame], count=self.size**2)
        return bits.astype(bool).reshape(self.size, self.size)


def trace(
    prepared: Prepared,
    spec: PreprocessSpec,
    engine: GraphEngine,
    *,
    rule: Rule = "default",
    clip_efs: Mapping[int, float] | None = None,
) -> Traced:
    """Find the left ventricle in every frame, and the beats.

    `clip_efs`: EF in % of the network's clips by first frame, for each beat's. `EngineError` if a
    logit is not a number. Without times (an unknown frame rate) frames count as seconds, and a
    gate refuses the video.
    """
    begin = time.perf_counter()
    masks = find_masks(prepared.frames, spec, engine)
    times = prepared.times_s
    known = bool(np.isfinite(times).all()) and bool(np.all(np.diff(times) > 0))
    beats = beats_of(
        masks,
        times if known else np.arange(len(masks), dtype=np.float64),
        spacing_mm=prepared.pixel_mm,
        sector=picture_area(prepared.frames),
        rule=rule,
    ).with_network(clip_efs or {})
    return Traced(
        packed=np.packbits(masks.reshape(len(masks), -1), axis=1),
        size=spec.size,
        beats=beats,
        engine=engine.facts,
        ms=(time.perf_counter() - begin) * 1e3,
        source=None if prepared.lost else tuple(prepared.source.tolist()),
        pixel_doubt=prepared.pixel_doubt,
    )


def find_masks(
    frames: NDArray[np.uint8], spec: PreprocessSpec, engine: GraphEngine
) -> NDArray[np.bool_]:
    """The left ventricle in each frame: `(T, S, S, 3) uint8` -> `(T, S, S) bool`."""
    masks = np.empty(frames.shape[:3], bool)
    for first in range(0, len(frames), FRAMES):
        some = frames[first : first + FRAMES]
        batch = np.zeros((FRAMES, 3, spec.size, spec.size), np.float32)
        batch[: len(some)] = normalise(some, spec).swapaxes(0, 1)
        logits = engine.infer({"frame": batch})["logits"][: len(some)]
        if not np.isfinite(logits).all():
            raise EngineError(
                f"{engine.facts.name} gave a mask that is not a number: "
                "check the model with another --engine"
            )
        np.greater(logits, 0, out=masks[first : first + len(some)])
    return masks


def picture_area(frames: NDArray[np.uint8]) -> Mask:
    """Where the sector is: the convex hull of all pixels that are not black, `(S, S)`."""
    count, *shape = frames.shape
    sums = cv2.reduce(frames.reshape(count, -1), 0, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    lit = (sums.reshape(shape).mean(axis=-1) / count > _LIT).astype(np.uint8)
    area = np.zeros_like(lit)
    if lit.any():
        points = cv2.findNonZero(lit)
        cv2.fillConvexPoly(area, cv2.convexHull(points), 1)
    return np.asarray(area > 0)
