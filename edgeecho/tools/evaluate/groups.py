"""Accuracy, interval and refusals in groups of videos: an average hides where a model is weak."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edgeecho.tools.evaluate.agreement import Efs
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.tools.evaluate.statistics import Coverage, coverage

Mask = NDArray[np.bool_]
_EDGES = (30, 40, 50, 60)
_FAR = 10.0
_LEAST_FOR_QUARTERS = 40


@dataclass(frozen=True)
class Group:
    """The videos of one group."""

    name: str
    n: int
    refused: int
    mae: float
    """Of all of them, refused or not, in EF points."""
    bias: float
    """Mean of prediction minus label, likewise."""
    far: int
    """Number of answers, not refused, that are off by more than ten EF points."""
    width: float | None
    """Mean width of the intervals in EF points; None without any."""
    coverage: Coverage | None
    """None without any interval."""


def in_groups(predictions: Sequence[Prediction], truth: Efs) -> tuple[Group, ...]:
    """By true EF, and by quarters of heart rate and of the spread of the clips; none is empty."""
    masks = _masks(predictions, truth)
    return tuple(_group(name, predictions, truth, mask) for name, mask in masks)


def _masks(predictions: Sequence[Prediction], truth: Efs) -> Iterator[tuple[str, Mask]]:
    bounds = (-np.inf, *_EDGES, np.inf)
    for low, high in pairwise(bounds):
        mask = (truth >= low) & (truth < high)
        if mask.any():
            yield _range("true EF", low, high, "%"), mask
    rates = [p.hints.heart_rate_bpm for p in predictions]
    yield from _quarters("heart rate", rates, "/min")
    yield from _quarters("spread of the clips", [p.hints.clip_sd for p in predictions], "points")


def _quarters(name: str, known: Sequence[float | None], unit: str) -> Iterator[tuple[str, Mask]]:
    values = np.array([np.nan if value is None else value for value in known], np.float64)
    some = values[np.isfinite(values)]
    if len(some) >= _LEAST_FOR_QUARTERS:
        bounds = (-np.inf, *np.quantile(some, (0.25, 0.5, 0.75)).tolist(), np.inf)
        for low, high in pairwise(bounds):
            mask = (values >= low) & (values < high)
            if mask.any():
                yield _range(name, low, high, unit), mask
    unknown = ~np.isfinite(values)
    if unknown.any() and not unknown.all():
        yield f"{name} unknown", unknown


def _range(name: str, low: float, high: float, unit: str) -> str:
    if low == -np.inf:
        return f"{name} below {high:.3g} {unit}"
    if high == np.inf:
        return f"{name} {low:.3g} {unit} or more"
    return f"{name} {low:.3g} to {high:.3g} {unit}"


def _group(name: str, predictions: Sequence[Prediction], truth: Efs, mask: Mask) -> Group:
    chosen = [p for p, inside in zip(predictions, mask.tolist(), strict=True) if inside]
    labels = truth[mask]
    errors = np.array([p.ef for p in chosen]) - labels
    accepted = np.array([not p.refusals for p in chosen])
    intervals = [p.interval for p in chosen]
    widths = [interval.high - interval.low for interval in intervals if interval is not None]
    return Group(
        name=name,
        n=len(chosen),
        refused=int((~accepted).sum()),
        mae=float(np.abs(errors).mean()),
        bias=float(errors.mean()),
        far=int((np.abs(errors[accepted]) > _FAR).sum()),
        width=float(np.mean(widths)) if widths else None,
        coverage=coverage(intervals, labels),
    )
