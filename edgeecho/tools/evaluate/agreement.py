"""Errors by band of EF, Bland-Altman's limits, drift between two precisions: numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Efs = NDArray[np.float64]
"""`(n,)` in %."""


@dataclass(frozen=True)
class Band:
    """The error among videos whose true EF lies in one clinical band, in EF points."""

    name: str
    n: int
    mae: float | None
    """None: no video has such an EF."""
    bias: float | None
    """Mean of prediction minus label; None as above."""


@dataclass(frozen=True)
class BlandAltman:
    """Agreement of prediction and label (Bland and Altman, Lancet 1986), in EF points."""

    bias: float
    sd: float | None
    """Of the differences; None for a single video."""
    low: float | None
    """Bias less 1.96 sd: where 95 % of normally distributed differences begin."""
    high: float | None

    @classmethod
    def of(cls, predicted: Efs, truth: Efs) -> BlandAltman:
        """Of the differences, prediction minus label."""
        difference = predicted - truth
        bias = float(difference.mean())
        if len(difference) < 2:
            return cls(bias, None, None, None)
        sd = float(difference.std(ddof=1))
        return cls(bias, sd, bias - 1.96 * sd, bias + 1.96 * sd)


@dataclass(frozen=True)
class Drift:
    """How far one precision's EF of a video lies from another's, in EF points."""

    reference: str
    """The other precision."""
    mean: float
    """Of |difference|."""
    p95: float
    max: float
    mae_change: float
    """MAE against the labels, less the reference's on the same videos."""

    @classmethod
    def of(cls, predicted: Efs, truth: Efs, reference: Efs, name: str) -> Drift:
        """Of `predicted` from `reference`, video by video."""
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
    """Which labels lie in which clinical band; on a continuous scale nothing lies between."""
    return {
        "EF ≤ 40": truth <= 40,
        "40 < EF < 50": (truth > 40) & (truth < 50),
        "EF ≥ 50": truth >= 50,
    }


def errors_by_band(predicted: Efs, truth: Efs) -> tuple[Band, ...]:
    """Low to high."""
    found = []
    for name, inside in split_bands(truth).items():
        error = predicted[inside] - truth[inside]
        some = len(error) > 0
        mae = float(np.abs(error).mean()) if some else None
        found.append(Band(name, len(error), mae, float(error.mean()) if some else None))
    return tuple(found)
