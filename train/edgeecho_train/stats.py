"""Mean and standard deviation of a training set, computed as published, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from edgeecho.common.console import progress_bar
from edgeecho.dataset import LabelledVideo, naming, read_labelled
from edgeecho.preprocess import PLAUSIBLE_FPS, ClipMode, PreprocessSpec, clip_starts, prepare

# EchoNet-Dynamic uses 128 videos of the training split, with one 16x2 clip each.
_VIDEOS = 128
_FRAMES, _PERIOD = 16, 2


@dataclass(frozen=True)
class ChannelStatistics:
    """Statistics per channel (R, G, B) on the 0..255 scale."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    videos: int
    """Number of videos that they were computed from."""
    fps: float | None
    """Median of the plausible frame rates of these files in frames/s; None if there are none."""


def channel_statistics(
    videos: Sequence[LabelledVideo], *, size: int = 112, time: str = "native", seed: int = 0
) -> ChannelStatistics:
    """Statistics over one random 16x2 clip of each of 128 random videos, in float64.

    The variance is `E[x^2] - E[x]^2`, as published; float64 keeps it exact on the 0..255 scale.
    Frames that a video of fewer than 32 frames lacks count as black, as published: it is padded
    with zeros after normalisation with mean 0 and std 1. (In training, such zeros are mean grey.)
    """
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(videos))[:_VIDEOS]
    clip_spec = PreprocessSpec(
        (0, 0, 0), (1, 1, 1), frames=_FRAMES, period=_PERIOD, size=size, time=time
    )
    total = np.zeros(3)
    squares = np.zeros(3)
    rates = []
    with progress_bar() as progress:
        for index in progress.track(chosen, description="channel statistics"):
            with naming(videos[index]):
                cine = read_labelled(videos[index])
                frames = prepare(cine, clip_spec).frames
            rates.append(cine.fps)
            start = clip_starts(
                len(frames), clip_spec, ClipMode("one"), seed=int(rng.integers(1 << 31))
            )[0]
            clip = frames[start::_PERIOD][:_FRAMES].astype(np.float64)
            total += clip.sum(axis=(0, 1, 2))
            squares += (clip**2).sum(axis=(0, 1, 2))
    # Missing frames of a short video add nothing to the sums, but are counted.
    count = len(chosen) * _FRAMES * size**2
    mean = total / count
    std = np.sqrt(squares / count - mean**2)
    return ChannelStatistics(_three(mean), _three(std), len(chosen), _middle(rates))


def _middle(rates: Sequence[float | None]) -> float | None:
    low, high = PLAUSIBLE_FPS
    known = [rate for rate in rates if rate is not None and low <= rate <= high]
    return median(known) if known else None


def _three(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float, float]:
    # Rounded to float32, the precision in which they are applied.
    first, second, third = (float(v) for v in values.astype(np.float32))
    return first, second, third
