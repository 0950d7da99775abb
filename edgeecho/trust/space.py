"""How far a measurement lies from those of the calibration videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


# In standard deviations: text over a few cells of a picture must not outweigh all the others.
_MOST = 8.0


@dataclass(frozen=True, eq=False)
class Space:
    """A Gaussian of `k` principal directions and equal variance in all others.

    Probabilistic principal components (Tipping and Bishop, J. R. Stat. Soc. B 1999;61:611) of
    values in units of their own standard deviation: a full covariance of 500 numbers cannot be had
    from 500 videos, and a cell that is black in all of them says more than one that is not.
    """

    mean: Floats
    """`(d,)`"""
    scale: Floats
    """`(d,)` standard deviations."""
    directions: Floats
    """`(k, d)`, orthonormal, of scaled values."""
    variances: Floats
    """`(k,)` along them."""
    rest: float
    """Variance in each other direction."""

    def __post_init__(self) -> None:
        k, d = self.directions.shape
        shapes = (self.mean.shape, self.scale.shape, self.variances.shape)
        if shapes != ((d,), (d,), (k,)):
            raise ValueError(f"expected means and scales of {d}, {k} variances, got {shapes}")
        if not all(bool(np.all(v > 0)) for v in (self.scale, self.variances, self.rest)):
            raise ValueError("expected scales and variances above 0")

    def distance(self, value: ArrayLike) -> float:
        """Mahalanobis distance of `(d,)` from the mean, by the root of `d`: 1 is usual."""
        scaled = (np.asarray(value, np.float64) - self.mean) / self.scale
        scaled = np.clip(scaled, -_MOST, _MOST)
        along = self.directions.astype(np.float64) @ scaled
        off = max(float(scaled @ scaled - along @ along), 0.0)
        squared = float((along**2 / self.variances).sum()) + off / self.rest
        return float(np.sqrt(squared / len(self.mean)))
