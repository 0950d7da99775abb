"""A ventricle drawn as an ellipse that beats: an engine of its masks, and `Traced` of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeecho.beats import Rule, beats_of
from edgeecho.engines import EngineFacts
from edgeecho.inference import Traced

SIZE = 112
FACTS = EngineFacts("drawn", "1", "here", "f32", 1)


def beating(
    frames: int, *, fps: float = 50.0, bpm: float = 75.0, depth: float = 8.0, size: int = SIZE
) -> np.ndarray:
    """Masks `(frames, size, size) bool` whose half width falls by `depth` of 20 in each systole."""
    scale = size / SIZE
    y, x = np.mgrid[:size, :size] - size / 2
    phase = np.sin(np.pi * np.arange(frames) / fps * bpm / 60) ** 2
    narrow = scale * (20 - depth * phase)[:, None, None]
    return np.asarray((x / narrow) ** 2 + (y / (40 * scale)) ** 2 < 1)


def traced(
    masks: np.ndarray,
    *,
    fps: float = 50.0,
    spacing_mm: float | None = None,
    rule: Rule = "default",
    clip_efs: dict[int, float] | None = None,
) -> Traced:
    """What `edgeecho.inference.trace` would return of these masks."""
    beats = beats_of(masks, np.arange(len(masks)) / fps, spacing_mm=spacing_mm, rule=rule)
    return Traced(
        packed=np.packbits(masks.reshape(len(masks), -1), axis=1),
        size=masks.shape[1],
        beats=beats.with_network(clip_efs or {}),
        engine=FACTS,
        ms=12.0,
    )


class Drawn:
    """A segmentation that answers with `masks`, one after another, whatever it is shown."""

    facts = FACTS

    def __init__(self, masks: np.ndarray) -> None:
        self.left = list(masks)

    def infer(self, inputs: dict[str, Any]) -> dict[str, np.ndarray]:
        count = len(inputs["frame"])
        now, self.left = self.left[:count], self.left[count:]
        logits = np.full((count, *inputs["frame"].shape[2:]), -1, np.float32)
        logits[: len(now)] = np.where(now, 1, -1)
        return {"logits": logits}
