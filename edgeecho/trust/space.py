"""Distance of a measurement from those of the calibration videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


# In standard deviations, so that text over a few cells of a picture cannot outweigh all others.
_MOST = 8.0


@dataclass(frozen=True, eq=False)
class Space:
    """A Gaussian with `k` principal directions and equal variance in all others.

    It is probabilistic PCA (Tipping and Bishop, J. R. Stat. Soc. B 1999;61:611) of standardised
    values. A full covariance of 500 values cannot be estimated from 500 videos. Values are
    standardised because a cell that is black in all videos says more than one that is not.
    """

    mean: Floats
    """`(d,)`"""
    scale: Floats
    """`(d,)` standard deviations."""
    directions: Floats
    """`(k, d)`, orthonormal, for scaled values."""
    variances: Floats
    """`(k,)` variances along these directions."""
    rest: float
    """Variance in every other direction."""

    def __post_init__(self) -> None:
        k, d = self.directions.shape
        shapes = (self.mean.shape, self.scale.shape, self.variances.shape)
        if shapes != ((d,), (d,), (k,)):
            raise ValueError(f"expected means and scales of {d}, {k} variances, got {shapes}")
        if not all(bool(np.all(v > 0)) for v in (self.scale, self.variances, self.rest)):
            raise ValueError("expected scales and variances above 0")

    def distance(self, value: ArrayLike) -> float:
        """Mahalanobis distance of a value `(d,)`, divided by sqrt(d): 1 is typical."""
        scaled = (np.asarray(value, np.float64) - self.mean) / self.scale
        scaled = np.clip(scaled, -_MOST, _MOST)
        along = self.directions.astype(np.float64) @ scaled
        off = max(float(scaled @ scaled - along @ along), 0.0)
        squared = float((along**2 / self.variances).sum()) + off / self.rest
        return float(np.sqrt(squared / len(self.mean)))
