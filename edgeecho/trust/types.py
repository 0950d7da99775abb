"""Interval, probabilities and refusal: values that inference computes and reports show."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """An interval that contains the true EF with probability `level`, for videos like those it was
    measured on."""

    low: float
    """In %, at least 0."""
    high: float
    """In %, at most 100."""
    level: float
    """Such as 0.9."""
    domain: str
    """What kind of videos it was measured on, in the words of their data set, such as `synthetic
    phantoms, never patients`. It says nothing of any other kind."""

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high <= 100 or not 0 < self.level < 1:
            raise ValueError(f"expected 0 <= low <= high <= 100 and a level, got {self}")


@dataclass(frozen=True)
class Probabilities:
    """Probabilities of the heart-failure bands, from the same residuals as the interval."""

    at_most_40: float
    """Reduced: EF <= 40 %."""
    below_50: float
    """Reduced or mildly reduced: EF < 50 %."""


@dataclass(frozen=True)
class Refusal:
    """One reason why the number must not be used."""

    gate: str
    """Name of the gate, for programs: `too-short`, `frozen`, ..."""
    reason: str
    """What was measured, what is required and what to do, in one line."""
