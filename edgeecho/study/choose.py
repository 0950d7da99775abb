"""Which clips of a study count. The rules are applied in the order of `_RULES`, and each leaves out
what is worse than the best that is still there, so that none leaves out all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeecho.cine import APICAL, FOUR_CHAMBER
from edgeecho.results import Answer, Failure, Numbers, Outcome

# In EF points. Half of two clips of one phantom heart differ by less than 5, nine in ten by less
# than 11 to 21. Any limit from 12 to 20 refuses the same studies, which are wrong by 9 where those
# that are answered are by 6 (docs/study.md).
FAR_APART = 15.0

_DISAGREES = (
    f"its EF is more than {FAR_APART:g} points from the middle one, and most others are near"
)


@dataclass(frozen=True)
class StudyClip:
    """A clip, and whether it counts."""

    number: int
    """Its place in the call, from 1; see `Outcome`."""
    outcome: Outcome
    left_out: str | None
    """Why it does not count; None if it does."""

    @property
    def view(self) -> str | None:
        """The view that its file declares; None if it declares none, or could not be read."""
        answer = self.outcome.answer
        return None if isinstance(answer, Failure) else answer.video.view

    @property
    def numbers(self) -> Numbers | None:
        """Its own, if it counts."""
        answer = self.outcome.answer
        return None if self.left_out or isinstance(answer, Failure) else answer.numbers


@dataclass(frozen=True)
class _Clip:
    """A clip that may count: every gate let it pass."""

    number: int
    answer: Answer
    numbers: Numbers


def _worse_view(clip: _Clip) -> int:
    return {FOUR_CHAMBER: 0, APICAL: 1}.get(clip.answer.video.view or "", 2)


def _no_beat(clip: _Clip) -> bool:
    beats = clip.answer.video.beats
    return beats is None or beats < 1


def _damaged(clip: _Clip) -> bool:
    return bool(clip.answer.video.damage)


_RULES: Mapping[str, Callable[[_Clip], int]] = {
    "another clip declares its view better: an apical four chamber before an apical view, and that "
    "before none": _worse_view,
    "no whole heart beat was found in it, and one was in another": _no_beat,
    "its file is damaged, and another is whole": _damaged,
}
"""What is said of the clips that each rule leaves out; the clips that it keeps have the least."""


def choose(outcomes: Sequence[tuple[int, Outcome]]) -> tuple[StudyClip, ...]:
    """Judge the clips of a study, given by their numbers."""
    left_out: dict[int, str] = {}
    seen: dict[str | None, int] = {}
    clips = []
    for number, outcome in outcomes:
        answer = outcome.answer
        if isinstance(answer, Failure):
            left_out[number] = answer.message
        elif answer.numbers is None:
            left_out[number] = "; ".join(f"refused: {r.reason}" for r in answer.refusals)
        elif outcome.sha256 and outcome.sha256 in seen:
            left_out[number] = f"it is the same file as number {seen[outcome.sha256]}"
        else:
            seen[outcome.sha256] = number
            clips.append(_Clip(number, answer, answer.numbers))
    for why, worse in _RULES.items():
        best = min(map(worse, clips), default=0)
        left_out |= {clip.number: why for clip in clips if worse(clip) > best}
        clips = [clip for clip in clips if clip.number not in left_out]
    far = far_apart({clip.number: clip.numbers.ef for clip in clips})
    if 2 * len(far) < len(clips):  # most agree; otherwise nobody knows who is right
        left_out |= dict.fromkeys(far, _DISAGREES)
    return tuple(StudyClip(n, outcome, left_out.get(n)) for n, outcome in outcomes)


def far_apart(efs: Mapping[int, float]) -> list[int]:
    """The clips whose EF, in %, is more than `FAR_APART` from that of the clip in the middle."""
    if not efs:
        return []
    # Of two clips either is the middle, and the other is far or not.
    middle = statistics.median_low(efs.values())
    return [number for number, ef in efs.items() if abs(ef - middle) > FAR_APART]
