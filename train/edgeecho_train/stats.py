"""Mean and standard deviation of a training set, computed as published. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeecho.cine import read_cine
from edgeecho.console import progress_bar
from edgeecho.dataset import LabelledVideo
from edgeecho.preprocess import ClipMode, PreprocessSpec, clip_starts, prepare

# EchoNet-Dynamic takes 128 videos of the training split and one 16x2 clip of each.
_VIDEOS = 128
_FRAMES, _PERIOD = 16, 2


@dataclass(frozen=True)
class ChannelStatistics:
    """Per channel (R, G, B), on the 0..255 scale."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    videos: int
    """How many videos they were computed from."""


def channel_statistics(
    videos: Sequence[LabelledVideo], *, size: int = 112, time: str = "native", seed: int = 0
) -> ChannelStatistics:
    """Statistics over 128 random videos, one random 16x2 clip each, in float64.

    `E[x^2] - E[x]^2` as published; float64 keeps it exact on the 0..255 scale. A video of
    fewer than 32 frames gives the frames that it has: the published zeros are appended after
    normalisation, so they belong to no statistic.
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(videos))[:_VIDEOS]
    clip_spec = PreprocessSpec(
        (0, 0, 0), (1, 1, 1), frames=_FRAMES, period=_PERIOD, size=size, time=time
    )
    count = 0
    total = np.zeros(3)
    squares = np.zeros(3)
    with progress_bar() as progress:
        for index in progress.track(chosen, description="channel statistics"):
            frames = prepare(read_cine(videos[index].path), clip_spec).frames
            start = clip_starts(
                len(frames), clip_spec, ClipMode("one"), seed=int(rng.integers(1 << 31))
            )[0]
            clip = frames[start::_PERIOD][:_FRAMES].astype(np.float64)
            count += clip[..., 0].size
            total += clip.sum(axis=(0, 1, 2))
            squares += (clip**2).sum(axis=(0, 1, 2))
    mean = total / count
    std = np.sqrt(squares / count - mean**2)
    return ChannelStatistics(_three(mean), _three(std), len(chosen))


def _three(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float, float]:
    # Rounded to float32, the precision in which the spec is applied.
    first, second, third = (float(v) for v in values.astype(np.float32))
    return first, second, third
