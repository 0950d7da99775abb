"""An engine whose answers are known: the grey of a clip's first frame, as its EF in %."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeecho.bundle import ModelFile
from edgeecho.cine import Cine
from edgeecho.engines import EngineFacts, Outputs
from edgeecho.inference import LoadedModel
from edgeecho.preprocess import PreprocessSpec

SPEC = PreprocessSpec((0, 0, 0), (1, 1, 1), frames=4, period=2, size=8, training_fps=50.0)
"""A clip spans 7 frames."""


class Brightness:
    """Answers a clip with the grey of its first frame, and all its greys as its embedding."""

    facts = EngineFacts("brightness", "1", "here", "f32", 1)

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def run(self, clips: np.ndarray) -> Outputs:
        self.sizes.append(len(clips))
        grey = clips[:, 0, :, 0, 0]
        return Outputs(grey[:, 0].copy(), grey.copy())

    def infer(self, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As a shared graph: frames once, and where each clip begins in them."""
        grey = inputs["frames"][0, 0, :, 0, 0]
        found = np.stack([grey[start : start + SPEC.frames] for start in inputs["starts"]])
        return {"ef": found[:, 0].copy(), "embedding": found}


def brightening(n: int, fps: float | None = 50.0) -> Cine:
    """Frame `i` has the grey `i + 10`."""
    frames = np.broadcast_to(np.arange(10, 10 + n)[:, None, None, None], (n, 8, 8, 3))
    stamps = np.arange(n) / fps if fps else np.full(n, np.nan)
    return Cine(frames.astype(np.uint8), stamps, fps, "container", "avi", "MJPG")


def bright_model(spec: PreprocessSpec = SPEC) -> LoadedModel:
    file = ModelFile(Path("bright.onnx"), "0" * 64, "bright", "1", "fp32", spec, "")
    return LoadedModel(file, Brightness(), batch=2)
