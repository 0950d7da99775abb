"""Regression metrics of EF, in EF points except for r and R2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class EFMetrics:
    """Errors of predictions against labels, and the error of predicting just their mean."""

    n: int
    mae: float
    rmse: float
    bias: float
    """Mean of prediction minus label."""
    correlation: float | None
    """Pearson's r; None if all predictions or all labels are equal."""
    r2: float | None
    """Coefficient of determination, `1 - SSE / SST` (not the square of r); None if all labels are
    equal."""
    mae_of_mean: float
    """MAE of always predicting the mean of these labels, which a model must beat."""

    @classmethod
    def of(cls, predicted: NDArray[np.float64], truth: NDArray[np.float64]) -> EFMetrics:
        """Compute from two arrays `(n,)` in %."""
        if predicted.shape != truth.shape or predicted.ndim != 1 or not len(truth):
            raise ValueError(f"expected two (n,) arrays, got {predicted.shape}, {truth.shape}")
        error = predicted - truth
        centred = truth - truth.mean()
        sst = float(centred @ centred)
        spread = float(np.sqrt(((predicted - predicted.mean()) ** 2).sum() * sst))
        varies = _varies(predicted) and _varies(truth)
        covariance = float((predicted - predicted.mean()) @ centred)
        return cls(
            n=len(truth),
            mae=float(np.abs(error).mean()),
            rmse=float(np.sqrt((error**2).mean())),
            bias=float(error.mean()),
            correlation=covariance / spread if varies else None,
            r2=1 - float(error @ error) / sst if _varies(truth) else None,
            mae_of_mean=float(np.abs(centred).mean()),
        )


def _varies(efs: NDArray[np.float64]) -> bool:
    # Not `> 0`: rounding of the mean leaves equal numbers a spread of 1e-14.
    return bool(np.ptp(efs) > 1e-9)
