"""The one table of how far an artefact's EF may lie from PyTorch's, in EF points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from edgeecho.common.errors import ModelError, UsageError


@dataclass(frozen=True)
class Limits:
    """Largest values that pass, in EF points; None: not looked at."""

    mean: float | None = None
    """Of the mean |drift|."""
    p95: float | None = None
    """Of the 95th percentile of |drift|."""
    max: float | None = None
    """Of the largest |drift|."""
    mae: float | None = None
    """By how much the mean absolute error against the labels may grow."""

    def to_dict(self) -> dict[str, float]:
        """Those that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def wider_than(self, other: Limits) -> tuple[str, ...]:
        """Statistics that may be larger here than in `other`."""
        return tuple(
            name
            for name, limit in other.to_dict().items()
            if getattr(self, name) is None or getattr(self, name) > limit
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Limits:
        """What `to_dict` gave; `ModelError` where it is something else."""
        try:
            return cls(**{name: float(limit) for name, limit in value.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"manifest: limits that are not known: {error}") from error


LIMITS: Mapping[str, Limits] = {
    "fp32": Limits(max=0.01),
    "fp16": Limits(mean=0.05, max=0.2),
    "int8": Limits(mean=0.3, p95=0.7, max=1.5, mae=0.1),
}
"""By precision. A 16-bit float has steps of 0.03 near an EF of 55 %; a first INT8 by minmax
lay at 0.13 (mean), 0.31 (p95) and 0.57 (max) on a trained network of full width."""

STATISTICS = tuple(field.name for field in fields(Limits))


def parse_limits(options: Sequence[str], table: Mapping[str, Limits] = LIMITS) -> dict[str, Limits]:
    """`table` with what `PRECISION.STATISTIC=POINTS` says, such as `int8.max=1`.

    `UsageError` where an option is not of that form.
    """
    chosen = dict(table)
    for option in options:
        place, _, number = option.partition("=")
        precision, _, statistic = place.partition(".")
        try:
            points = float(number)
        except ValueError:
            points = math.nan
        # A limit that nothing misses is none.
        usable = math.isfinite(points) and points >= 0
        if precision not in LIMITS or statistic not in STATISTICS or not usable:
            raise UsageError(
                f"--limit {option!r}: give PRECISION.STATISTIC=POINTS with {', '.join(LIMITS)} "
                f"and {', '.join(STATISTICS)}, such as int8.max=1"
            )
        chosen[precision] = replace(chosen.get(precision, Limits()), **{statistic: points})
    return chosen
