"""How much of the EF a linear model reads from what says nothing about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FOLDS = 10


def r_squared(features: Floats, ef: Floats) -> float:
    """Cross-validated R^2 of ordinary least squares; 0 is as good as the mean, below is worse."""
    x = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-12)
    x = np.column_stack([np.ones(len(x)), x])
    fold = np.arange(len(x)) % FOLDS
    left = 0.0
    total = 0.0
    for k in range(FOLDS):
        weights = np.linalg.lstsq(x[fold != k], ef[fold != k], rcond=None)[0]
        left += float(np.sum((ef[fold == k] - x[fold == k] @ weights) ** 2))
        total += float(np.sum((ef[fold == k] - ef[fold != k].mean()) ** 2))
    return 1 - left / total
