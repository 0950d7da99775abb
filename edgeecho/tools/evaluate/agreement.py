"""Errors by EF band, Bland-Altman agreement, and drift between two precisions. Needs numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Efs = NDArray[np.float64]
"""`(n,)` in %."""


@dataclass(frozen=True)
class Band:
    """The errors for videos whose true EF is in one clinical band, in EF points."""

    name: str
    n: int
    mae: float | None
    """None if no video is in the band."""
    bias: float | None
    """Mean of prediction minus label; None in the same case."""


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of prediction and label (Bland and Altman, Lancet 1986), in EF points."""

    bias: float
    sd: float | None
    """Standard deviation of the differences; None for a single video."""
    low: float | None
    """Lower limit of agreement: bias - 1.96 sd."""
    high: float | None

    @classmethod
    def of(cls, predicted: Efs, truth: Efs) -> BlandAltman:
        """Compute from EFs `(n,)` in %; differences are prediction minus label."""
        difference = predicted - truth
        bias = float(difference.mean())
        if len(difference) < 2:
            return cls(bias, None, None, None)
        sd = float(difference.std(ddof=1))
        return cls(bias, sd, bias - 1.96 * sd, bias + 1.96 * sd)


@dataclass(frozen=True)
class PrecisionDrift:
    """Drift of one precision's EF of a video from another's, in EF points."""

    reference: str
    """The other precision."""
    mean: float
    """Mean |difference|."""
    p95: float
    max: float
    mae_change: float
    """MAE against the labels, minus the reference's on the same videos."""

    @classmethod
    def of(cls, predicted: Efs, truth: Efs, reference: Efs, name: str) -> PrecisionDrift:
        """Compute the drift of `predicted` from `reference`, video by video."""
        distance = np.abs(predicted - reference)
        change = np.abs(predicted - truth) - np.abs(reference - truth)
        return cls(
            reference=name,
            mean=float(distance.mean()),
            p95=float(np.percentile(distance, 95)),
            max=float(distance.max()),
            mae_change=float(change.mean()),
        )


def split_bands(truth: Efs) -> dict[str, NDArray[np.bool_]]:
    """Masks of the labels in each clinical band; on a continuous scale, without gaps."""
    return {
        "EF ≤ 40": truth <= 40,
        "40 < EF < 50": (truth > 40) & (truth < 50),
        "EF ≥ 50": truth >= 50,
    }


def errors_by_band(predicted: Efs, truth: Efs) -> tuple[Band, ...]:
    """The errors of each band, from low to high EF."""
    found = []
    for name, inside in split_bands(truth).items():
        error = predicted[inside] - truth[inside]
        some = len(error) > 0
        mae = float(np.abs(error).mean()) if some else None
        found.append(Band(name, len(error), mae, float(error.mean()) if some else None))
    return tuple(found)
