"""How many clean videos the gates may refuse, and the thresholds that follow from it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from edgeecho.trust.learned_gates import LearnedGate

BUDGET = 0.02
"""Share of clean videos that all gates together may refuse."""


@dataclass(frozen=True)
class Budget:
    """What became of the calibration videos, which are clean."""

    videos: int
    fixed: int
    """Refused by gates without calibration."""
    extreme: int
    """Of the others, refused by gates whose thresholds lie beyond all calibration videos, if those
    are other ones."""

    @property
    def left(self) -> float:
        """Share of the videos that a gate may refuse whose threshold takes what is left.

        A video more counts as refused: so many cannot show that something never happens.
        """
        return max(BUDGET - (self.fixed + self.extreme + 1) / (self.videos + 1), 0.0)


def threshold(gate: LearnedGate, values: Sequence[float], share: float) -> float:
    """The threshold beyond which a new video of the same kind lies with probability `share`.

    It is the ceil((n + 1) (1 - share))-th of the values, as in split conformal prediction. Where
    `n` values are too few for `share`, it is the gate's margin beyond the most extreme.
    """
    ordered = sorted(values, reverse=gate.least)
    rank = math.ceil((len(ordered) + 1) * (1 - share))
    if rank <= len(ordered):
        return ordered[rank - 1]
    return ordered[-1] / gate.margin if gate.least else ordered[-1] * gate.margin
