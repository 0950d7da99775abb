"""Whether an answer can be trusted: interval, probabilities, and gates that refuse it."""

from edgeecho.trust.types import Interval, Probabilities, Refusal

__all__ = ["Interval", "Probabilities", "Refusal"]
