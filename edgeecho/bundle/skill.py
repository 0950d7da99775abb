"""Skill: whether a model answers unseen videos better than a constant would.

Drift says how near an engine is to PyTorch; a network that learnt nothing has none. Skill compares
it with always answering one EF: the median of these labels, the constant with the least MAE. It is
harder to beat than their mean, which a network trained on absolute errors beats by learning the
median of its labels and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle.typed import typed
from edgeecho.common.bootstrap import bootstrap_mean

LEAST_VIDEOS = 50
"""With fewer, skill counts as not measured."""


@dataclass(frozen=True)
class Skill:
    """The gain of a model over the best constant, as it was measured."""

    n: int
    """Number of labelled videos that the model was not trained on."""
    mae: float
    """Mean absolute error of the model in EF points."""
    mae_of_constant: float
    """The same of always answering the labels' median."""
    low: float
    """Lower end of the gain's 90 % bootstrap interval: a one-sided bound of 95 %, in EF points."""
    data: str
    """Split and description of the videos."""
    how: str
    """What answered them, as `stride:16, int8 on openvino 2026.4.1`."""

    @classmethod
    def of(
        cls, predicted: NDArray[np.floating], truth: NDArray[np.floating], *, data: str, how: str
    ) -> Skill:
        """Measure from predicted and labelled EFs, `(n,)` in %."""
        if predicted.shape != truth.shape or predicted.ndim != 1 or not len(truth):
            raise ValueError(f"expected two (n,) arrays, got {predicted.shape}, {truth.shape}")
        labels = truth.astype(np.float64)
        error = np.abs(predicted - labels)
        of_constant = np.abs(labels - np.median(labels))
        return cls(
            n=len(labels),
            mae=float(error.mean()),
            mae_of_constant=float(of_constant.mean()),
            low=bootstrap_mean(of_constant - error).low,
            data=data,
            how=how,
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | None) -> Skill | None:
        """Read what `asdict` gave; `TypeError` for anything else."""
        if value is None:
            return None
        return typed(cls, value)

    @property
    def gain(self) -> float:
        """By how many EF points the model's MAE is smaller than the constant's."""
        return self.mae_of_constant - self.mae

    @property
    def enough(self) -> bool:
        """Whether there were enough videos to tell."""
        return self.n >= LEAST_VIDEOS

    @property
    def shown(self) -> bool:
        """Whether enough videos put the lower bound of the gain above 0."""
        return self.enough and self.low > 0

    def in_words(self) -> str:
        """The numbers, in half a sentence."""
        return (
            f"on {self.n} labelled videos that it was not trained on its MAE is {self.mae:.2f} EF "
            f"points, that of always answering their median {self.mae_of_constant:.2f} "
            f"(gain {self.gain:+.2f}, lower bound {self.low:+.2f})"
        )


def newest(known: Skill | None, found: Skill) -> Skill:
    """What a bundle keeps: the newest, but never one that cannot tell for one that can."""
    return known if known is not None and known.enough and not found.enough else found


def doubt(skill: Skill | None) -> str | None:
    """Why a model's answers may be worth nothing, in one line; None if its skill is shown."""
    if skill is None:
        return "this model's skill was never measured: it may do no better than a constant"
    if not skill.enough:
        return (
            f"this model's skill is not known, which takes {LEAST_VIDEOS} videos: "
            f"{skill.in_words()}"
        )
    if not skill.shown:
        return (
            f"this model has shown no skill: {skill.in_words()}; its EF may say nothing of the "
            "video"
        )
    return None


def warn_of(skill: Skill | None) -> tuple[str, ...]:
    """`doubt` with what to do about it, as a warning for card and answers; empty if none."""
    reason = doubt(skill)
    if reason is None:
        return ()
    if skill is not None and skill.enough:
        return (reason,)
    return (f"{reason}: `edgeecho evaluate DATA --model BUNDLE --record` measures it",)
