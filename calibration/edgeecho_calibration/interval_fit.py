"""Fitting the interval of one clip mode to the answers for calibration videos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgeecho.common.errors import InputError
from edgeecho.trust.conformal import Residuals, half_width
from edgeecho.trust.difficulty import Difficulty
from edgeecho_calibration.difficulty_fit import LEAST_VIDEOS, fit_difficulty, multiples
from edgeecho_calibration.trust_kept import LabelledAnswer


@dataclass(frozen=True, eq=False)
class FittedInterval:
    """Parts of `Trust` for one clip mode."""

    half_width: float
    residuals: Residuals
    difficulty: Difficulty | None
    """None with fewer than `LEAST_VIDEOS`."""


def fit_interval(used: Sequence[LabelledAnswer], mode: str, level: float) -> FittedInterval:
    """Fit the interval. `InputError` if the videos are too few for `level`.

    Each residual is divided by a difficulty that was fitted to other videos, as it will be for a
    new one (cross-conformal prediction: Vovk, Ann. Math. Artif. Intell. 2015;74:9).
    """
    residuals = np.array([one.ef - one.by_mode[mode][0] for one in used])
    hints = [signals.hints(ef) for ef, signals in (one.by_mode[mode] for one in used)]
    difficulty = None
    if len(used) >= LEAST_VIDEOS:
        difficulty = fit_difficulty(hints, residuals)
        residuals = residuals / multiples(hints, residuals)
    try:
        half = half_width(residuals.astype(np.float32), level)
    except ValueError as error:
        raise InputError(f"{error}: give more videos or a lower --level") from error
    return FittedInterval(half, residuals.astype(np.float32), difficulty)
