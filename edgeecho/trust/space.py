"""How far a measurement lies from those of the calibration videos."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Space:
    """A Gaussian of `k` principal directions and equal variance in all others.

    Probabilistic principal components (Tipping and Bishop, J. R. Stat. Soc. B 1999;61:611): a full
    covariance of 500 numbers cannot be had from 500 videos.
    """

    mean: Floats
    """`(d,)`"""
    directions: Floats
    """`(k, d)`, orthonormal."""
    variances: Floats
    """`(k,)` along them."""
    rest: float
    """Variance in each other direction."""

    def __post_init__(self) -> None:
        k, d = self.directions.shape
        if self.mean.shape != (d,) or self.variances.shape != (k,):
            raise ValueError(
                f"expected a mean of {d} and {k} variances, "
                f"got {self.mean.shape} and {self.variances.shape}"
            )
        if not (self.rest > 0 and bool(np.all(self.variances > 0))):
            raise ValueError("expected variances above 0")

    def distance(self, value: ArrayLike) -> float:
        """Mahalanobis distance of `(d,)` from the mean, by the root of the number of values: 1 is
        usual."""
        centred = np.asarray(value, np.float64) - self.mean
        along = self.directions.astype(np.float64) @ centred
        off = max(float(centred @ centred - along @ along), 0.0)
        squared = float((along**2 / self.variances).sum()) + off / self.rest
        return float(np.sqrt(squared / len(self.mean)))
