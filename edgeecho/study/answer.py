"""The one answer of a study, from its clips that count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgeecho.cine import FOUR_CHAMBER
from edgeecho.study.choose import FAR_APART, StudyClip, choose, far_apart
from edgeecho.study.clip import Clip
from edgeecho.study.combine import DEFAULT_RULE, Rule, StudyNumbers, combine
from edgeecho.trust import Refusal


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


def answer_study(given: Sequence[Clip], rule: Rule = DEFAULT_RULE) -> StudyAnswer:
    """The answer of a study that has these clips; their numbers differ."""
    clips = choose(given)
    counting = {one.clip.number: numbers for one in clips if (numbers := one.numbers)}
    if not counting:
        return StudyAnswer(rule, clips, None, _why_none(given), ())
    efs = {number: numbers.ef for number, numbers in counting.items()}
    if far_apart(efs):
        return StudyAnswer(rule, clips, None, (_disagreement(len(efs)),), ())
    made = combine(counting, rule)
    return StudyAnswer(rule, clips, made, (), (*_warnings(clips), *_of_clips(given, made)))


def without_cine(kinds: Sequence[str], rule: Rule = DEFAULT_RULE) -> StudyAnswer:
    """The answer of a study that holds no cine, only these kinds of pictures, such as `still`."""
    reason = (
        f"it holds no transthoracic cine, only: {', '.join(kinds)}: record an apical four-chamber "
        "view"
    )
    return StudyAnswer(rule, (), None, (Refusal("no-cine", reason),), ())


def _why_none(clips: Sequence[Clip]) -> tuple[Refusal, ...]:
    """Nothing if not one clip could be read: each has its error."""
    if all(clip.failure for clip in clips):
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


def _warnings(clips: Sequence[StudyClip]) -> tuple[str, ...]:
    counting = [one.clip for one in clips if one.left_out is None]
    warnings = []
    if any(clip.view != FOUR_CHAMBER for clip in counting):
        warnings.append(
            "no clip declares an apical four-chamber view: whether those that count show one, "
            "nobody has said"
        )
    if len(counting) == 1:
        warnings.append("one clip counts: no other agrees with it")
    return tuple(warnings)


def _of_clips(clips: Sequence[Clip], numbers: StudyNumbers) -> tuple[str, ...]:
    """The warnings of the clips that the EF is made of, each once."""
    made_of = [clip for clip in clips if clip.number in numbers.clips]
    return tuple(dict.fromkeys(warning for clip in made_of for warning in clip.warnings))
