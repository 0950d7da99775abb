"""What became of each file, as every report shows it: a refused number cannot be reached."""

from edgeecho.results.bands import BANDS, band, likelihood, percent
from edgeecho.results.outcome import Answer, Failure, Numbers, Outcome, answers, labels

__all__ = [
    "BANDS",
    "Answer",
    "Failure",
    "Numbers",
    "Outcome",
    "answers",
    "band",
    "labels",
    "likelihood",
    "percent",
]
