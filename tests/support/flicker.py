"""A video whose frames differ in brightness: an answer from other frames is another answer."""

from __future__ import annotations

import numpy as np

from edgeecho.cine import Cine


def flickering_cine(n: int) -> Cine:
    rng = np.random.default_rng(n)
    top = rng.integers(20, 256, n)
    frames = np.stack([rng.integers(0, t, (112, 112, 3), dtype=np.uint8) for t in top])
    return Cine(frames, np.arange(n) / 50, 50.0, "container", "avi", "MJPG")
