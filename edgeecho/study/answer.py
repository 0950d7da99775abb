"""The one answer of a study, from its clips that count."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from edgeecho.cine import FOUR_CHAMBER
from edgeecho.results import Answer, Failure, Numbers, Outcome, band
from edgeecho.study.choose import FAR_APART, StudyClip, choose, far_apart
from edgeecho.trust import Interval, Refusal

Rule = Literal["mean", "best"]
"""How the EF of a study comes from its clips that count: their mean, or the best one's."""
RULES: tuple[Rule, ...] = get_args(Rule)
DEFAULT_RULE: Rule = "mean"
"""SOURCE"""


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


@dataclass(frozen=True)
class StudyAnswer:
    """A study as reports may show it."""

    rule: Rule
    clips: tuple[StudyClip, ...]
    """All of them, in the order of the call."""
    numbers: StudyNumbers | None
    """None if the study is refused, or none of its clips could be used."""
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.numbers is not None and self.refusals:
            raise ValueError("expected numbers or else refusals")

    @property
    def status(self) -> str:
        """`answered`, `refused`, or `error` if not one clip could be read."""
        if self.numbers is not None:
            return "answered"
        return "refused" if self.refusals else "error"


def answer_study(outcomes: Sequence[tuple[int, Outcome]], rule: Rule = DEFAULT_RULE) -> StudyAnswer:
    """The answer of a study whose clips have these numbers and outcomes."""
    clips = choose(outcomes)
    counting = {clip.number: numbers for clip in clips if (numbers := clip.numbers)}
    if not counting:
        return StudyAnswer(rule, clips, None, _why_none(clips), ())
    efs = {number: numbers.ef for number, numbers in counting.items()}
    if far_apart(efs):
        return StudyAnswer(rule, clips, None, (_disagreement(len(efs)),), ())
    made = _MAKERS[rule](counting, clips)
    return StudyAnswer(rule, clips, made, (), (*_warnings(clips), *_of_clips(clips, made)))


def _why_none(clips: Sequence[StudyClip]) -> tuple[Refusal, ...]:
    """Nothing if not one clip could be read: each has its error."""
    if all(isinstance(clip.outcome.answer, Failure) for clip in clips):
        return ()
    return (
        Refusal(
            "no-clip",
            "the gates let no clip of it pass: record an apical four-chamber view, as the reasons "
            "of the clips say",
        ),
    )


def _disagreement(count: int) -> Refusal:
    return Refusal(
        "clips-disagree",
        f"the EFs of its {count} clips that would count lie more than {FAR_APART:g} points apart, "
        "so some are no apical four chamber or wrong: look at them, and give those that are good",
    )


def _mean(counting: Mapping[int, Numbers], _clips: Sequence[StudyClip]) -> StudyNumbers:
    ef = statistics.fmean(numbers.ef for numbers in counting.values())
    return StudyNumbers(ef, _around(ef, counting.values()), tuple(counting))


def _best(counting: Mapping[int, Numbers], clips: Sequence[StudyClip]) -> StudyNumbers:
    """The clip in the middle: see `DEFAULT_RULE`."""
    middle = statistics.median(numbers.ef for numbers in counting.values())
    beats = {clip.number: clip.beats or 0.0 for clip in clips}
    number = min(counting, key=lambda n: (round(abs(counting[n].ef - middle), 6), -beats[n]))
    return StudyNumbers(counting[number].ef, counting[number].interval, (number,))


_MAKERS: Mapping[Rule, Callable[[Mapping[int, Numbers], Sequence[StudyClip]], StudyNumbers]] = {
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


def _warnings(clips: Sequence[StudyClip]) -> tuple[str, ...]:
    counting = [clip for clip in clips if clip.left_out is None]
    warnings = []
    if any(clip.view != FOUR_CHAMBER for clip in counting):
        warnings.append(
            "no clip declares an apical four-chamber view: whether those that count show one, "
            "nobody has said"
        )
    if len(counting) == 1:
        warnings.append("one clip counts: no other agrees with it")
    return tuple(warnings)


def _of_clips(clips: Sequence[StudyClip], numbers: StudyNumbers) -> tuple[str, ...]:
    """The warnings of the clips that the EF is made of, each once."""
    answers = [clip.outcome.answer for clip in clips if clip.number in numbers.clips]
    return tuple(dict.fromkeys(w for a in answers if isinstance(a, Answer) for w in a.warnings))
