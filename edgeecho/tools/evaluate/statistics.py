"""Accuracy with its bootstrap intervals, AUROC and coverage, with scikit-learn and scipy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.bootstrap import RESAMPLES, SEED, Measured, measured, resample
from edgeecho.tools.evaluate.agreement import Efs
from edgeecho.tools.evaluate.metrics import EFMetrics
from edgeecho.trust import Interval

THRESHOLDS = (35, 40, 45, 50)
"""EF in %; AUROC is that of finding the videos with a true EF below."""
_COVERAGE_LEVEL = 0.95


@dataclass(frozen=True)
class Coverage:
    """How often the truth lies inside the predicted interval."""

    meant: float
    """Nominal level of the intervals, such as 0.9."""
    n: int
    """Number of predictions with an interval."""
    inside: int
    share: float
    low: float
    """Lower end of the exact binomial (Clopper-Pearson) interval of the share."""
    high: float
    level: float = _COVERAGE_LEVEL
    """Level of that exact interval."""


def bootstrap(
    predicted: Efs,
    truth: Efs,
    *,
    thresholds: Sequence[int] = THRESHOLDS,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Measured | None]:
    """`mae`, `rmse`, `r2` and `auroc_35` ... with intervals; None if undefined."""
    metrics = EFMetrics.of(predicted, truth)
    values = {"mae": metrics.mae, "rmse": metrics.rmse, "r2": metrics.r2}
    values |= {f"auroc_{t}": auroc(predicted, truth, t) for t in thresholds}
    error, ranks = predicted - truth, _Ranks(predicted)
    centred = truth - truth.mean()
    parts: dict[str, list[NDArray[np.float64]]] = {name: [] for name in values}
    with np.errstate(invalid="ignore", divide="ignore"):
        for counts in resample(len(truth), resamples, seed):
            mse = counts @ error**2 / len(truth)
            variance = counts @ centred**2 / len(truth) - (counts @ centred / len(truth)) ** 2
            # The variance of equal labels is not zero because of rounding errors.
            variance[variance < 1e-12] = np.nan
            parts["mae"].append(counts @ np.abs(error) / len(truth))
            parts["rmse"].append(np.sqrt(mse))
            parts["r2"].append(1 - mse / variance)
            for threshold in thresholds:
                parts[f"auroc_{threshold}"].append(ranks.auroc(counts, truth < threshold))
    return {
        name: None if value is None else measured(value, np.concatenate(parts[name]))
        for name, value in values.items()
    }


def auroc(predicted: Efs, truth: Efs, threshold: float) -> float | None:
    """Area under the ROC curve of finding `truth < threshold` by a low prediction.

    None if all labels are on one side.
    """
    from sklearn.metrics import roc_auc_score

    low = truth < threshold
    return float(roc_auc_score(low, -predicted)) if 0 < low.sum() < len(low) else None


def roc_curve(predicted: Efs, truth: Efs, threshold: float) -> tuple[Efs, Efs]:
    """1 - specificity, and sensitivity, at every threshold of the prediction."""
    from sklearn.metrics import roc_curve

    false_positive, true_positive, _ = roc_curve(truth < threshold, -predicted)
    return false_positive, true_positive


def coverage(intervals: Sequence[Interval | None], truth: Efs) -> Coverage | None:
    """Coverage of the predictions with an interval; None if there are none."""
    from scipy.stats import binomtest

    pairs = [(i, ef) for i, ef in zip(intervals, truth, strict=True) if i is not None]
    if not pairs:
        return None
    inside = sum(bool(interval.low <= ef <= interval.high) for interval, ef in pairs)
    exact = binomtest(inside, len(pairs)).proportion_ci(_COVERAGE_LEVEL, method="exact")
    share, low, high = inside / len(pairs), float(exact.low), float(exact.high)
    return Coverage(pairs[0][0].level, len(pairs), inside, share, low, high)


class _Ranks:
    """AUROC of many resamples at once: sorts once, and counts ties half (Mann-Whitney)."""

    def __init__(self, predicted: Efs) -> None:
        self._order = np.argsort(predicted, kind="stable")
        ordered = predicted[self._order]
        self._first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])

    def auroc(self, counts: NDArray[np.float64], low: NDArray[np.bool_]) -> NDArray[np.float64]:
        """AUROC `(k,)` from the counts `(k, n)` of videos in each resample; NaN if undefined."""
        ordered, low = counts[:, self._order], low[self._order]
        found = np.add.reduceat(ordered * low, self._first, axis=1)
        other = np.add.reduceat(ordered * ~low, self._first, axis=1)
        total = other.sum(axis=1, keepdims=True)
        # Pairs in which the lower EF has the lower prediction, plus half of the ties.
        right = found * (total - other.cumsum(axis=1) + other / 2)
        areas: NDArray[np.float64] = right.sum(axis=1) / (found.sum(axis=1) * total[:, 0])
        return areas
