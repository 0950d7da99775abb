"""How hard a video is: how far its answer may be off, told before the truth is known.

Dividing each residual by what was expected of its video, before the interval is taken from them,
gives hard videos a wide interval and easy ones a narrow one, with the same promise (normalised
conformal prediction: Papadopoulos, Gammerman and Vovk, AIA 2008:64; Lei et al., J. Am. Stat. Assoc.
2018;113:1094, section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HINTS = 4
"""Number of values that `Hints.vector` gives."""
# A video that is stranger than nearly all calibration videos is taken for one at their edge.
_FARTHEST = 2.0


@dataclass(frozen=True)
class Hints:
    """What the runtime knows of an answer that may tell how far it is off."""

    ef: float
    """The answer in %."""
    clip_sd: float | None
    """Standard deviation over the clips in EF points; None for a single clip."""
    heart_rate_bpm: float | None
    traced_ef: float | None
    """The EF of the traced volumes in %; None if nothing was traced."""

    @property
    def disagreement(self) -> float | None:
        """Between the answer and the traced EF, in EF points; None if nothing was traced."""
        return None if self.traced_ef is None else abs(self.ef - self.traced_ef)

    def vector(self) -> NDArray[np.float64]:
        """`(4,)` on scales on which they are about symmetric; NaN where unknown."""
        spread, rate, disagreement = (
            np.nan if value is None else np.log(value + least)
            for value, least in (
                (self.clip_sd, 0.5),
                (self.heart_rate_bpm, 0.0),
                (self.disagreement, 1.0),
            )
        )
        return np.array([self.ef, spread, rate, disagreement], np.float64)


@dataclass(frozen=True, eq=False)
class Difficulty:
    """The expected error of an answer as a multiple of that of a usual one."""

    mean: Floats
    """`(4,)` of the hints over the calibration videos."""
    scale: Floats
    """`(4,)` their standard deviations."""
    weights: Floats
    """`(4,)` of the logarithm of the multiple, for a hint that is one standard deviation up."""

    def __post_init__(self) -> None:
        shapes = {self.mean.shape, self.scale.shape, self.weights.shape}
        if shapes != {(HINTS,)} or self.scale.min() <= 0:
            raise ValueError(f"a difficulty is of {HINTS} hints that vary, got {shapes}")

    def of(self, hints: Hints) -> float:
        """The multiple; 1 if all hints are as usual, and what is unknown counts as usual."""
        z = standardised(hints.vector(), self.mean, self.scale)
        return float(np.exp(z @ self.weights.astype(np.float64)))


def standardised(hints: NDArray[np.float64], mean: Floats, scale: Floats) -> NDArray[np.float64]:
    """`(..., 4)` hints less their mean, in standard deviations, cut to two; 0 where unknown."""
    z = (hints - mean) / scale
    return np.asarray(np.nan_to_num(np.clip(z, -_FARTHEST, _FARTHEST), nan=0.0))
