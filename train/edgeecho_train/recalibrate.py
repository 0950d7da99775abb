"""Linear recalibration of a network's EFs to the labels, folded into its head.

After a short training with small batches the outputs are on a slightly wrong scale: in training, a
batch norm uses the statistics of the batch, and afterwards their running mean. Slope and intercept,
measured on videos that no weight was fitted to, correct that, and leave the features as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from edgeecho.bundle import Skill
from edgeecho.common.errors import InputError, ModelError
from edgeecho.dataset import LabelledVideo, prepare_labelled
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.data import central_clip
from edgeecho_train.network import R2Plus1D18

LEAST_VIDEOS = 30
# Below this, predictions hardly follow the labels, and recalibration would hide that.
_LEAST_CORRELATION = 0.5


@dataclass(frozen=True)
class Line:
    """EF = slope * prediction + intercept, in %."""

    slope: float
    intercept: float
    n: int
    """Number of videos in the least-squares fit."""
    mae_before: float
    """Mean absolute error on these videos in EF points."""
    mae_after: float
    skill: Skill | None = None
    """Of the recalibrated network on the same videos, each by the line through the others."""


def fit_line(
    network: R2Plus1D18,
    spec: PreprocessSpec,
    videos: Sequence[LabelledVideo],
    *,
    data: str = "validation videos",
    track: Callable[[Sequence[LabelledVideo]], Iterable[LabelledVideo]] = iter,
) -> Line:
    """Predict the central clip of each video and fit the line; `track` may show a progress bar.

    `data` describes the videos for the record of skill.

    `InputError` for fewer than 30 videos, `ModelError` for a network that has learnt too little.
    """
    if len(videos) < LEAST_VIDEOS:
        raise InputError(
            f"{len(videos)} validation videos, a line takes {LEAST_VIDEOS}: give more, or leave "
            "--recalibrate out"
        )
    network = network.eval().to(memory_format=torch.channels_last_3d)
    with torch.inference_mode():
        answers = np.array([float(network(_central(video, spec))) for video in track(videos)])
    truth = np.array([video.ef for video in videos])
    if not np.corrcoef(answers, truth)[0, 1] >= _LEAST_CORRELATION:
        raise ModelError(
            "the network's answers hardly follow the labels of these videos: train it longer "
            "before it is published"
        )
    slope, intercept = np.polyfit(answers, truth, 1)
    residuals = truth - (slope * answers + intercept)
    centred = answers - answers.mean()
    # The residual from the line through all other points, by each point's leverage.
    unseen = residuals / (1 - 1 / len(videos) - centred**2 / (centred @ centred))
    return Line(
        float(slope),
        float(intercept),
        len(videos),
        float(np.abs(answers - truth).mean()),
        float(np.abs(residuals).mean()),
        Skill.of(truth - unseen, truth, data=data, how="the central clip of each, recalibrated"),
    )


def fold(state_dict: Mapping[str, Tensor], line: Line) -> dict[str, Any]:
    """The weights with the line folded into the head."""
    return {
        **state_dict,
        "fc.weight": state_dict["fc.weight"] * line.slope,
        "fc.bias": state_dict["fc.bias"] * line.slope + line.intercept,
    }


def _central(video: LabelledVideo, spec: PreprocessSpec) -> Tensor:
    return torch.from_numpy(central_clip(prepare_labelled(video, spec).frames, spec))[None]
