"""How far an engine's EF lies from PyTorch's on the same clips, and whether that is too far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.engines import Engine
from edgeecho.verify.limits import Limits

BATCHES = (1, 2, 8)
"""A single clip, a small batch, and the largest that export promises."""

_WORDS = {
    "mean": "differs from PyTorch by {:.4f} EF points on average",
    "p95": "differs from PyTorch by {:.4f} EF points at the 95th percentile",
    "max": "differs from PyTorch by up to {:.4f} EF points",
    "mae": "has a labelled MAE that is worse than PyTorch's by {:.4f} EF points",
}


@dataclass(frozen=True)
class Drift:
    """Statistics of |EF - EF of PyTorch| in EF points, over all clips and batch sizes."""

    mean: float
    p95: float
    max: float
    mae: float
    """Mean absolute error against the labels, less PyTorch's; negative: it became smaller."""

    @classmethod
    def of(
        cls, found: NDArray[np.float32], expected: NDArray[np.float32], labels: NDArray[np.float32]
    ) -> Drift:
        """From EFs `(n,)` of the artefact, of PyTorch, and of the labels, all in %."""
        found64, expected64, labels64 = (a.astype(np.float64) for a in (found, expected, labels))
        drift = np.abs(found64 - expected64)
        errors = np.abs(found64 - labels64).mean() - np.abs(expected64 - labels64).mean()
        return cls(
            mean=float(drift.mean()),
            p95=float(np.quantile(drift, 0.95)),
            max=float(drift.max()),
            mae=float(errors),
        )


def measure_drift(
    engine: Engine,
    clips: NDArray[np.float32],
    expected: NDArray[np.float32],
    labels: NDArray[np.float32],
    batches: tuple[int, ...] = BATCHES,
) -> Drift:
    """Run `clips (n, 3, T, S, S)` at each batch size, against PyTorch's `expected (n,)`.

    Fewer clips than a batch are repeated to fill it.
    """
    found, places = [], []
    for size in batches:
        chunks = (np.arange(-(-len(clips) // size) * size) % len(clips)).reshape(-1, size)
        for chunk in chunks:
            found.append(engine.run(clips[chunk]))
            places.append(chunk)
    order = np.concatenate(places)
    return Drift.of(np.concatenate(found), expected[order], labels[order])


def miss(drift: Drift, limits: Limits) -> str | None:
    """What misses its limit, to be read after the name of an engine; None: nothing."""
    for name, words in _WORDS.items():
        value, limit = getattr(drift, name), getattr(limits, name)
        # Written so that NaN misses too.
        if limit is not None and not value <= limit:
            return f"{words.format(value)}, allowed are {limit:g}"
    return None
