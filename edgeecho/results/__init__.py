"""The outcome of each file, as reports show it: a refused EF is not reachable from them."""

from edgeecho.results.bands import BANDS, band, likelihood, percent
from edgeecho.results.outcome import (
    Answer,
    Failure,
    Numbers,
    Outcome,
    TracingFacts,
    answers,
    labels,
)

__all__ = [
    "BANDS",
    "Answer",
    "Failure",
    "Numbers",
    "Outcome",
    "TracingFacts",
    "answers",
    "band",
    "labels",
    "likelihood",
    "percent",
]
