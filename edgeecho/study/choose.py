"""Which clips of a study count. The rules are applied in the order of `_RULES`, and each leaves out
what is worse than the best that is still there, so that none leaves out all of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeecho.cine import APICAL, FOUR_CHAMBER
from edgeecho.results import Numbers
from edgeecho.study.clip import Clip

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

    clip: Clip
    left_out: str | None
    """Why it does not count; None if it does."""

    @property
    def numbers(self) -> Numbers | None:
        """Its own, if it counts."""
        return None if self.left_out else self.clip.numbers


def _worse_view(clip: Clip) -> int:
    return {FOUR_CHAMBER: 0, APICAL: 1}.get(clip.view or "", 2)


def _no_beat(clip: Clip) -> bool:
    return clip.beats is None or clip.beats < 1


def _damaged(clip: Clip) -> bool:
    return clip.damaged


_RULES: Mapping[str, Callable[[Clip], int]] = {
    "another clip declares its view better: an apical four chamber before an apical view, and that "
    "before none": _worse_view,
    "no whole heart beat was found in it, and one was in another": _no_beat,
    "its file is damaged, and another is whole": _damaged,
}
"""What is said of the clips that each rule leaves out; the clips that it keeps have the least."""


def choose(given: Sequence[Clip]) -> tuple[StudyClip, ...]:
    """Judge the clips of a study."""
    left_out: dict[int, str] = {}
    seen: dict[str | None, int] = {}
    efs: dict[int, float] = {}
    for clip in given:
        if clip.failure:
            left_out[clip.number] = clip.failure.message
        elif clip.numbers is None:
            left_out[clip.number] = "; ".join(f"refused: {r.reason}" for r in clip.refusals)
        elif clip.sha256 and clip.sha256 in seen:
            left_out[clip.number] = f"it is the same file as number {seen[clip.sha256]}"
        else:
            seen[clip.sha256] = clip.number
            efs[clip.number] = clip.numbers.ef
    clips = [clip for clip in given if clip.number in efs]
    for why, worse in _RULES.items():
        best = min(map(worse, clips), default=0)
        left_out |= {clip.number: why for clip in clips if worse(clip) > best}
        clips = [clip for clip in clips if clip.number not in left_out]
    far = far_apart({clip.number: efs[clip.number] for clip in clips})
    if 2 * len(far) < len(clips):  # most agree; otherwise nobody knows who is right
        left_out |= dict.fromkeys(far, _DISAGREES)
    return tuple(StudyClip(clip, left_out.get(clip.number)) for clip in given)


def far_apart(efs: Mapping[int, float]) -> list[int]:
    """The clips whose EF, in %, is more than `FAR_APART` from that of the clip in the middle."""
    if not efs:
        return []
    # Of two clips either is the middle, and the other is far or not.
    middle = statistics.median_low(efs.values())
    return [number for number, ef in efs.items() if abs(ef - middle) > FAR_APART]
