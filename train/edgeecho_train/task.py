"""What differs between the things that a network can learn; the loop is the same for all."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from edgeecho.bundle import Skill
from edgeecho.common.errors import UsageError
from edgeecho.dataset import LabelledVideo
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.data import Examples


@dataclass(frozen=True)
class Measured:
    """What a network is worth on the validation videos."""

    values: Mapping[str, float | None]
    """Columns of the log."""
    score: float
    """Lower is better: it chooses the best epoch."""
    words: str
    """For the line that is printed after each epoch."""
    skill: Skill | None = None


@dataclass(frozen=True)
class Plotted:
    """What stands beside the loss in the plot of a run."""

    columns: Mapping[str, str]
    """Columns of the log, with their labels."""
    axis: str
    top: float | None = None
    """End of the axis; by default a little above all values."""


class Task(Protocol):
    """What a network is to learn, and how it is measured."""

    title: str
    """The network, for the first line of a run."""
    frames: int
    period: int
    """Of an input: of a clip, or 1 and 1 where frames are looked at one by one."""
    described: Mapping[str, Any]
    """What a checkpoint says of its network."""
    labels: Mapping[str, str]
    """Files of the data set that the labels come from, by what their hash is called."""
    layout: torch.memory_format
    plotted: Plotted

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        """The network, random or with these weights; `UsageError` if they do not fit."""

    def examples(self, videos: Sequence[LabelledVideo], spec: PreprocessSpec) -> Examples:
        """The examples of one split."""

    def predict(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """Answers to a batch that is on the network's device."""

    def loss(self, answers: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """What a step makes smaller, and what the log shows of it."""

    def measure(self, answers: Tensor, truth: Tensor) -> Measured:
        """Measure answers to all validation videos."""


def finite(loss: Tensor, what: str) -> float:
    """The loss as a number; `UsageError` if it is none."""
    if not math.isfinite(value := loss.item()):
        raise UsageError(f"the {what} loss is {value}: start again with a lower --lr")
    return value
