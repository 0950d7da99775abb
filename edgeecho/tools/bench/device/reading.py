"""What one line of a monitor says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Reading:
    """Numbers and reasons under the names that the monitor gives them."""

    values: Mapping[str, float]
    """By name and unit, such as `clocks.sm, MHz`."""
    slowed: tuple[str, ...] = ()
    """Why the clocks are lower than they could be."""
