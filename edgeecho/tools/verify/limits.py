"""The limits of the table of precisions, and what a user changes of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import PRECISIONS, DriftLimits

LIMITS: Mapping[str, DriftLimits] = {name: row.limits for name, row in PRECISIONS.items()}
"""By precision."""
STATISTICS = tuple(field.name for field in fields(DriftLimits))


def parse_limits(
    options: Sequence[str], table: Mapping[str, DriftLimits] = LIMITS
) -> dict[str, DriftLimits]:
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
        chosen[precision] = replace(chosen.get(precision, DriftLimits()), **{statistic: points})
    return chosen
