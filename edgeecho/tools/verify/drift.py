"""Drift: the distance of an engine's EF from PyTorch's on the same clips, and its limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.precisions import FEW, MANY, PRECISIONS, DriftLimits
from edgeecho.engines import Engine

BATCHES = (1, 2, 8)
"""A single clip, a small batch, and the largest batch that export promises."""

_WORDS = {
    "mean": "differs from PyTorch by {:.4f} EF points on average",
    "p95": "differs from PyTorch by {:.4f} EF points at the 95th percentile",
    "max": "differs from PyTorch by up to {:.4f} EF points",
    "mae": "has a labelled MAE that is worse than PyTorch's by {:.4f} EF points",
}


@dataclass(frozen=True)
class Drift:
    """Statistics of |EF - EF of PyTorch| in EF points."""

    mean: float
    p95: float
    max: float
    mae: float
    """Mean absolute error against the labels, minus PyTorch's; negative: it decreased."""

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


@dataclass(frozen=True)
class ReferenceInputs:
    """Clips that no artefact was fitted to, with the EFs that are expected of them."""

    clips: NDArray[np.float32]
    """`(n, 3, T, S, S)`, normalised."""
    expected: NDArray[np.float32]
    """`(n,)` EF in % of PyTorch in FP32, or of its replacement."""
    labels: NDArray[np.float32]
    """`(n,)` EF in %."""
    features: NDArray[np.float32] | None = None
    """`(n, d)` embeddings of PyTorch, if they are compared too."""

    def few(self, n: int = FEW) -> ReferenceInputs:
        """At most `n` of them, spread evenly over their order, which is that of the EF."""
        places = np.linspace(0, len(self.clips) - 1, min(n, len(self.clips))).round().astype(int)
        features = None if self.features is None else self.features[places]
        return ReferenceInputs(
            self.clips[places], self.expected[places], self.labels[places], features
        )

    def of_precision(self, precision: str) -> ReferenceInputs:
        """As many as its row in the table of precisions asks for."""
        row = PRECISIONS.get(precision)  # a manifest may name one that it does not know
        return self if row and row.clips >= MANY else self.few()


def measure_drift(
    engine: Engine, reference_inputs: ReferenceInputs, batches: tuple[int, ...] = BATCHES
) -> Drift:
    """Run all clips at batch 1, and `few` of them at the larger sizes of `batches`.

    The largest drift is over all runs; the other statistics are of batch 1, in which each clip
    counts once. If there are fewer clips than a batch takes, they are repeated.
    """
    found = np.concatenate([engine.run(clip[None]).ef for clip in reference_inputs.clips])
    drift = Drift.of(found, reference_inputs.expected, reference_inputs.labels)
    few = reference_inputs.few()
    largest = [drift.max]
    for size in (size for size in batches if size > 1):
        n = len(few.clips)
        for chunk in (np.arange(-(-n // size) * size) % n).reshape(-1, size):
            answers = engine.run(few.clips[chunk]).ef.astype(np.float64)
            largest.append(float(np.abs(answers - few.expected[chunk]).max()))
    # NumPy's maximum is NaN if any element is.
    return replace(drift, max=float(np.max(largest)))


def miss(drift: Drift, limits: DriftLimits) -> str | None:
    """The first statistic that misses its limit, worded to follow an engine's name; None: none."""
    for name, words in _WORDS.items():
        value, limit = getattr(drift, name), getattr(limits, name)
        # Written so that NaN fails too.
        if limit is not None and not value <= limit:
            return f"{words.format(value)}, allowed are {limit:g}"
    return None
