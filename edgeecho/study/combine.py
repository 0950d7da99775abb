"""One EF of the clips that count."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from edgeecho.results import Numbers, band
from edgeecho.trust import Interval

Rule = Literal["mean", "best"]
"""How the EF of a study comes from its clips that count: their mean, or the best one's."""
RULES: tuple[Rule, ...] = get_args(Rule)
# On phantom studies of two, three and four clips the two rules differ by less than chance does
# (docs/study.md); this one gives the EF of a clip that can be looked at, with its own interval.
DEFAULT_RULE: Rule = "best"


@dataclass(frozen=True)
class StudyNumbers:
    """Everything that discloses the EF of a study."""

    ef: float
    """In %."""
    interval: Interval | None
    """None if the clips have none. It is as wide as that of one clip, also of a mean."""
    clips: tuple[int, ...]
    """Numbers of the clips that the EF is made of."""

    @property
    def band(self) -> str:
        """Clinical band of `ef` in words."""
        return band(self.ef)


def combine(counting: Mapping[int, Numbers], rule: Rule) -> StudyNumbers:
    """The EF of a study whose clips that count have these numbers; at least one."""
    return _MAKERS[rule](counting)


def _mean(counting: Mapping[int, Numbers]) -> StudyNumbers:
    ef = statistics.fmean(numbers.ef for numbers in counting.values())
    return StudyNumbers(ef, _around(ef, counting.values()), tuple(counting))


def _best(counting: Mapping[int, Numbers]) -> StudyNumbers:
    """The clip nearest to the median; of two as near the one that varies least along the video."""
    middle = statistics.median(numbers.ef for numbers in counting.values())

    def worse(number: int) -> tuple[float, float]:
        ef, sd = counting[number].ef, counting[number].sd
        # Rounded, because of two clips both are as near.
        return round(abs(ef - middle), 6), math.inf if sd is None else sd

    number = min(counting, key=worse)
    return StudyNumbers(counting[number].ef, counting[number].interval, (number,))


_MAKERS: Mapping[Rule, Callable[[Mapping[int, Numbers]], StudyNumbers]] = {
    "mean": _mean,
    "best": _best,
}


def _around(ef: float, clips: Collection[Numbers]) -> Interval | None:
    """As wide as the widest of the clips' intervals, which are cut to 0..100."""
    known = [(clip.ef, clip.interval) for clip in clips if clip.interval]
    if len(known) < len(clips):
        return None
    half = max(max(own - one.low, one.high - own) for own, one in known)
    return replace(known[0][1], low=max(0.0, ef - half), high=min(100.0, ef + half))
