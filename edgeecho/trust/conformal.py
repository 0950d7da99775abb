"""Split-conformal intervals, and probabilities from the same residuals.

Residuals on videos that the network was not trained on measure how far its EF is from the truth.
For a new video that is exchangeable with them, the interval of the EF plus or minus the
ceil((n + 1) level)-th smallest absolute residual contains the truth with probability of at least
`level`, whatever the network (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
2005; Lei et al., J. Am. Stat. Assoc. 2018;113:1094).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from edgeecho.preprocess import ClipMode
from edgeecho.trust.types import Interval, Probabilities

Residuals = NDArray[np.float32]
"""`(n,)` true EF minus predicted EF, in EF points."""


def half_width(residuals: Residuals, level: float) -> float:
    """Half the width of the interval in EF points; `ValueError` if `n` is too small for `level`."""
    rank = math.ceil((len(residuals) + 1) * level)
    if rank > len(residuals):
        raise ValueError(f"{len(residuals)} residuals are too few for a level of {level:g}")
    return float(np.partition(np.abs(residuals), rank - 1)[rank - 1])


def interval(ef: float, half: float, level: float, domain: str) -> Interval:
    """The interval around an EF in %, clipped to 0..100 %."""
    low, high = np.clip([ef - half, ef + half], 0.0, 100.0)
    return Interval(float(low), float(high), level, domain)


def probabilities(ef: float, residuals: Residuals) -> Probabilities:
    """Probabilities that the true EF is <= 40 % and < 50 %, if all residuals are equally likely.

    They are `(k + 0.5) / (n + 1)`, because `n` videos cannot show that something never happens.
    """
    truth = ef + residuals.astype(np.float64)
    count = len(residuals) + 1
    return Probabilities(
        at_most_40=float((np.count_nonzero(truth <= 40) + 0.5) / count),
        below_50=float((np.count_nonzero(truth < 50) + 0.5) / count),
    )


def calibrated_as(mode: ClipMode, half_widths: Mapping[str, float]) -> str | None:
    """The calibrated clip mode whose interval applies to `mode`; None if there is none.

    Averaging fewer clips gives a worse EF. So if the mode itself was not calibrated, it is the one
    with the widest interval among those with fewer clips.
    """
    if str(mode) in half_widths:
        return str(mode)
    coarser = [m for m in half_widths if _coarseness(ClipMode.parse(m)) > _coarseness(mode)]
    return max(coarser, key=lambda m: half_widths[m], default=None)


def _coarseness(mode: ClipMode) -> tuple[int, int]:
    return {"center": 1, "one": 2}.get(mode.kind, 0), mode.stride
