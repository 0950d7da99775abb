"""Measurements of a video that every gate lets pass."""

from __future__ import annotations

import numpy as np

from edgeecho.trust import Signals
from edgeecho.trust.texture import SIZE

GOOD = Signals(
    frames=100,
    window=63,
    fps=50.0,
    fps_source="container",
    why_no_rate="",
    fps_doubt=None,
    video_s=2.0,
    heart_rate_bpm=60.0,
    beats_per_clip=1.3,
    sound=1.0,
    lit=0.5,
    moves=10.0,
    contrast=60.0,
    statistics=np.zeros(7, np.float32),
    texture=np.zeros(SIZE, np.float32),
    picture=np.zeros(8, np.float32),
)
