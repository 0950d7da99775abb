"""Whether an EF can be trusted: its interval, probabilities, and the gates that may refuse it."""

from edgeecho.trust.difficulty import Hints
from edgeecho.trust.judge import Verdict, judge, refuse
from edgeecho.trust.learned import Trust, load_trust
from edgeecho.trust.shape import ShapeSignals
from edgeecho.trust.signals import Signals, measure
from edgeecho.trust.time import TimeSignals
from edgeecho.trust.traced import TracedSignals
from edgeecho.trust.types import Interval, Probabilities, Refusal

__all__ = [
    "Hints",
    "Interval",
    "Probabilities",
    "Refusal",
    "ShapeSignals",
    "Signals",
    "TimeSignals",
    "TracedSignals",
    "Trust",
    "Verdict",
    "judge",
    "load_trust",
    "measure",
    "refuse",
]
