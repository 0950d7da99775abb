"""Fitting how hard a video is to the errors of the answers for calibration videos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeecho.trust.difficulty import Difficulty, Hints, standardised

LEAST_VIDEOS = 200
"""With fewer, the fit follows chance: all videos count as equally hard."""
_FOLDS = 5
# Errors in EF points below which nothing is learnt from how small they are.
_SMALL = 0.5
# Draws the weights to 0: the precision of a normal prior.
_PRIOR = 10.0
_STEPS = 50


def fit_difficulty(hints: Sequence[Hints], residuals: NDArray[np.float64]) -> Difficulty:
    """Fit `n` residuals in EF points, whatever their sign.

    Their absolute values are taken as exponentially distributed, with a mean that is an exponential
    function of the hints: the maximum of that likelihood (a generalised linear model) is found by
    Newton's method, and is the only one.
    """
    table = np.stack([one.vector() for one in hints])
    known = np.isfinite(table)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, table, 0).sum(axis=0) / counts
    variance = np.where(known, (table - mean) ** 2, 0).sum(axis=0) / counts
    scale = np.sqrt(np.maximum(variance, 1e-6))
    mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    z = np.column_stack([standardised(table, mean, scale), np.ones(len(table))])
    size = np.maximum(np.abs(residuals), _SMALL)
    weights = _newton(z, size)[:-1]
    # The usual video's multiple is 1: the geometric mean over the calibration videos.
    return Difficulty(mean, scale, weights.astype(np.float32))


def _newton(z: NDArray[np.float64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    weights = np.zeros(z.shape[1])
    weights[-1] = np.log(size.mean())
    prior = np.full(len(weights), _PRIOR)
    prior[-1] = 0.0
    for _ in range(_STEPS):
        ratio = size / np.exp(z @ weights)
        gradient = z.T @ (1 - ratio) + prior * weights
        step = np.linalg.solve((z * ratio[:, None]).T @ z + np.diag(prior), gradient)
        weights = weights - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return weights


def multiples(hints: Sequence[Hints], residuals: NDArray[np.float64]) -> NDArray[np.float64]:
    """`(n,)` each video's multiple, by a fit to the four fifths that it is not part of."""
    found = np.ones(len(hints))
    folds = np.arange(len(hints)) % _FOLDS
    for one in range(_FOLDS):
        others = np.flatnonzero(folds != one).tolist()
        fitted = fit_difficulty([hints[i] for i in others], residuals[others])
        for place in np.flatnonzero(folds == one).tolist():
            found[place] = fitted.of(hints[place])
    return found
