"""Which clips of a study count, and the one EF that they give."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from answers import answered, refused

from edgeecho.cine import APICAL, FOUR_CHAMBER
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.study import Clip, StudyAnswer, answer_study, without_cine
from edgeecho.study.choose import FAR_APART
from edgeecho.trust import Interval

FAILED = Outcome("a.dcm", Failure("a.dcm is damaged: export it again", 3))
_SHA = iter(range(10**6))


def clip(
    ef: float = 50.0,
    view: str | None = FOUR_CHAMBER,
    *,
    interval: Any = None,
    sd: float | None = 1.0,
    **video: Any,
) -> Outcome:
    """An answered clip: 2 s of 60 beats/min, -7 to +8 around its EF."""
    outcome = answered(50.0)
    answer = outcome.answer
    assert isinstance(answer, Answer)
    facts = {"view": view, "heart_rate_bpm": 60.0, "fps": 50.0, "frames": 100, **video}
    numbers = answer.numbers
    assert numbers is not None
    around = Interval(ef - 7, ef + 8, 0.9, "phantoms") if interval is None else interval or None
    numbers = replace(numbers, ef=ef, interval=around, sd=sd)
    answer = replace(answer, video=replace(answer.video, **facts), numbers=numbers, warnings=())
    return replace(outcome, answer=answer, sha256=f"{next(_SHA):064}")


def study(*outcomes: Outcome, rule: Any = "mean") -> StudyAnswer:
    return answer_study([Clip.of(n, one) for n, one in enumerate(outcomes, 1)], rule)


def counting(answer: StudyAnswer) -> list[int]:
    return [one.clip.number for one in answer.clips if one.left_out is None]


def reason(answer: StudyAnswer, number: int) -> str:
    found = answer.clips[number - 1].left_out
    assert found is not None
    return found


def test_the_mean_of_the_clips_that_count_with_an_interval_as_wide_as_one() -> None:
    answer = study(clip(48.0), clip(54.0))
    assert (answer.status, answer.refusals, answer.warnings) == ("answered", (), ())
    assert answer.numbers is not None
    assert (answer.numbers.ef, answer.numbers.clips) == (51.0, (1, 2))
    assert answer.numbers.band == "preserved"
    assert answer.numbers.interval == Interval(43.0, 59.0, 0.9, "phantoms")


def test_an_interval_stays_between_0_and_100_and_is_none_if_a_clip_has_none() -> None:
    cut = study(
        clip(5.0, interval=Interval(0.0, 13.0, 0.9, "phantoms")),
        clip(6.0, interval=Interval(0.0, 14.0, 0.9, "phantoms")),
    )
    assert cut.numbers is not None
    assert cut.numbers.interval == Interval(0.0, 13.5, 0.9, "phantoms")
    none = study(clip(50.0), clip(52.0, interval=False))
    assert none.numbers is not None
    assert none.numbers.interval is None


def test_the_best_is_the_one_in_the_middle_and_of_two_the_one_that_varies_less() -> None:
    answer = study(clip(44.0), clip(47.0), clip(53.0), rule="best")
    assert answer.numbers is not None
    assert (answer.numbers.ef, answer.numbers.clips) == (47.0, (2,))
    assert answer.numbers.interval == Interval(40.0, 55.0, 0.9, "phantoms")

    def best_of_two(*sds: float | None) -> int:
        clips = [clip(44.1, sd=sds[0]), clip(47.3, sd=sds[1])]
        numbers = study(*clips, rule="best").numbers
        assert numbers is not None
        return numbers.clips[0]

    assert best_of_two(3.0, 2.0) == 2
    assert best_of_two(2.0, 3.0) == 1
    assert best_of_two(None, 9.0) == 2
    assert best_of_two(None, None) == 1


@pytest.mark.parametrize(
    ("views", "count"),
    [
        ([FOUR_CHAMBER, APICAL, None], [1]),
        ([None, APICAL, APICAL], [2, 3]),
        ([None, None], [1, 2]),
        ([None, FOUR_CHAMBER, None, FOUR_CHAMBER], [2, 4]),
    ],
)
def test_the_declared_view_goes_first(views: list[str | None], count: list[int]) -> None:
    answer = study(*(clip(view=view) for view in views))
    assert counting(answer) == count
    said = any("declares an apical four-chamber view" in w for w in answer.warnings)
    assert said == (FOUR_CHAMBER not in views)
    for number in {*range(1, len(views) + 1)} - {*count}:
        assert reason(answer, number).startswith("another clip declares its view better")


def test_a_view_goes_before_beats_and_beats_before_damage() -> None:
    answer = study(clip(view=None), clip(frames=40), clip(damage=("cut short",), frames=49))
    assert counting(answer) == [2]
    beats = study(
        clip(frames=49), clip(frames=50, damage=("cut short",)), clip(heart_rate_bpm=None)
    )
    assert counting(beats) == [2]
    assert "no whole heart beat" in reason(beats, 1)
    assert "no whole heart beat" in reason(beats, 3)
    damage = study(clip(damage=("cut short",)), clip())
    assert counting(damage) == [2]
    assert reason(damage, 1) == "its file is damaged, and another is whole"


def test_what_is_worse_counts_if_there_is_nothing_better() -> None:
    answer = study(clip(view=None, damage=("cut short",), heart_rate_bpm=None))
    assert counting(answer) == [1]
    assert "one clip counts: no other agrees with it" in answer.warnings


def test_clips_that_gates_refused_or_nobody_could_read_have_their_reasons() -> None:
    answer = study(FAILED, refused(), clip(52.0), clip(50.0))
    assert counting(answer) == [3, 4]
    assert reason(answer, 1) == "a.dcm is damaged: export it again"
    assert reason(answer, 2).startswith("refused: 30 frames, but two heart beats")
    assert answer.numbers is not None
    assert answer.numbers.ef == 51.0
    assert [one.clip.view for one in answer.clips] == [None, None, FOUR_CHAMBER, FOUR_CHAMBER]


def test_the_same_file_counts_once() -> None:
    one = clip(50.0)
    answer = study(one, replace(one, file="copy.dcm"), clip(54.0))
    assert counting(answer) == [1, 3]
    assert reason(answer, 2) == "it is the same file as number 1"


def test_a_clip_that_most_others_contradict_is_left_out() -> None:
    far = 50.0 + FAR_APART
    near = study(clip(50.0), clip(50.0), clip(far))
    assert counting(near) == [1, 2, 3]
    answer = study(clip(50.0), clip(50.0), clip(far + 0.01))
    assert counting(answer) == [1, 2]
    assert "points from the middle one" in reason(answer, 3)


@pytest.mark.parametrize("rule", ["mean", "best"])
@pytest.mark.parametrize(
    "efs", [(30.0, 30.01 + FAR_APART), (20.0, 40.0, 60.0), (20.0, 21.0, 60.0, 61.0)]
)
def test_clips_that_disagree_give_no_ef(efs: tuple[float, ...], rule: str) -> None:
    answer = study(*map(clip, efs), rule=rule)
    assert (answer.status, answer.numbers) == ("refused", None)
    assert [refusal.gate for refusal in answer.refusals] == ["clips-disagree"]
    assert all(one.left_out is None for one in answer.clips)


def test_a_study_without_a_clip_that_counts_is_refused() -> None:
    answer = study(refused(), FAILED, refused())
    assert (answer.status, answer.numbers) == ("refused", None)
    assert [refusal.gate for refusal in answer.refusals] == ["no-clip"]
    assert study(FAILED, FAILED).status == "error"
    assert study(FAILED).refusals == ()


def test_warnings_of_the_clips_that_make_the_ef_are_its_own_each_once() -> None:
    def warned(outcome: Outcome, *warnings: str) -> Outcome:
        assert isinstance(outcome.answer, Answer)
        return replace(outcome, answer=replace(outcome.answer, warnings=warnings))

    first, second = warned(clip(50.0), "both", "one"), warned(clip(51.0), "both", "two")
    third = warned(clip(view=None), "three")
    assert study(first, second, third).warnings == ("both", "one", "two")
    assert study(first, second, third, rule="best").warnings == ("both", "one")


def test_numbers_and_refusals_exclude_each_other() -> None:
    answer = study(clip())
    with pytest.raises(ValueError, match="numbers or else refusals"):
        replace(answer, refusals=study(refused()).refusals)


def test_a_study_without_a_cine_says_what_it_holds_instead() -> None:
    answer = without_cine(["Doppler trace", "still"])
    assert (answer.status, answer.numbers, answer.clips) == ("refused", None, ())
    (refusal,) = answer.refusals
    assert refusal.gate == "no-cine"
    assert "only: Doppler trace, still:" in refusal.reason
