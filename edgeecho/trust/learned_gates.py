"""The gates whose thresholds come from the calibration videos and are stored in the bundle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgeecho.trust.signals import Signals
from edgeecho.trust.space import Space
from edgeecho.trust.types import Refusal

Spaces = Mapping[str, Sequence[Space]]
"""By name, a space for each kind of calibration videos."""


@dataclass(frozen=True)
class LearnedGate:
    """A gate whose threshold comes from the values of the calibration videos."""

    name: str
    seen: Callable[[Signals, Spaces], float | None]
    """Computes the value to compare; None if it is unknown for this video or model."""
    words: str
    """The reason, a format string with `seen`, `limit` and `share`."""
    least: bool = False
    """Whether the threshold is a minimum, not a maximum."""
    margin: float = 1.2
    """How far the threshold lies beyond the most extreme calibration video, as a factor. With 1, a
    new video of the same kind is refused with probability 1 / (n + 1)."""
    space: str | None = None
    """The space in `SPACES` that it needs."""
    shares: bool = False
    """Whether the threshold refuses what the other gates leave of the budget of clean videos. Those
    of the others lie beyond all calibration videos."""

    def beyond(self, seen: float, limit: float) -> bool:
        """Whether a value is refused."""
        return seen < limit if self.least else seen > limit

    def share(self, seen: float, limit: float) -> float:
        """How far a value is on the way to the threshold; above 1 it is beyond."""
        return limit / max(seen, 1e-9) if self.least else seen / max(limit, 1e-9)

    def check(self, signals: Signals, spaces: Spaces, limit: float) -> Refusal | None:
        """Compare a video with the threshold; return a refusal or None."""
        seen = self.seen(signals, spaces)
        if seen is None or not self.beyond(seen, limit):
            return None
        return Refusal(
            self.name.partition("/")[0],
            self.words.format(seen=seen, limit=limit, share=self.share(seen, limit)),
        )


SPACES: Mapping[str, Callable[[Signals], object]] = {
    "statistics": lambda s: s.statistics,
    "picture": lambda s: s.picture,
    "texture": lambda s: s.texture,
    "embedding": lambda s: s.embedding,
    "arrow": lambda s: s.time.arrow if s.time else None,
}
"""Vectors that are compared with those of the calibration videos, by name of the space."""


def _distance(name: str) -> Callable[[Signals, Spaces], float | None]:
    def seen(signals: Signals, spaces: Spaces) -> float | None:
        value = SPACES[name](signals)
        if value is None:
            return None
        return min(space.distance(value) for space in spaces[name])  # type: ignore[arg-type]

    return seen


def _backwards(s: Signals, spaces: Spaces) -> float | None:
    """How many times nearer it is to the calibration videos when it is played backwards."""
    if s.time is None or "arrow" not in spaces:
        return None
    forwards, backwards = (
        min(space.distance(arrow) for space in spaces["arrow"])
        for arrow in (s.time.arrow, s.time.reversed_arrow)
    )
    return forwards / max(backwards, 1e-9)


def _half_angle(s: Signals, _: Spaces) -> float | None:
    return s.shape.half_angle if s.shape else None


_SQUARE = "was the picture squeezed? Export it with square pixels"
_VIEW = "is this an upright apical four-chamber view of a heart? Look at it with `edgeecho preview`"


ANSWERS_DISAGREE = "answers-disagree"
LEARNED: tuple[LearnedGate, ...] = (
    LearnedGate(
        "sector/least",
        lambda s, _: s.lit,
        "{seen:.0%} of the picture is not black, {limit:.0%} at least with the calibration videos: "
        "look at it with `edgeecho preview`, or give --crop",
        least=True,
    ),
    LearnedGate(
        "sector/most",
        lambda s, _: s.lit,
        "{seen:.0%} of the picture is not black, {limit:.0%} at most with the calibration videos: "
        "look at it with `edgeecho preview`, or give --crop",
    ),
    LearnedGate(
        "frozen/share",
        lambda s, _: s.changing,
        "no part of the picture changes by more than {seen:.0%} of its brightness, by {limit:.0%} "
        "at least in the calibration videos: is there a moving heart in it?",
        least=True,
    ),
    LearnedGate(
        "low-contrast",
        lambda s, _: s.contrast,
        "{seen:.0f} grey levels between tissue and blood, {limit:.0f} at least with the "
        "calibration videos: raise the gain, or look for a better acoustic window",
        least=True,
    ),
    LearnedGate(
        "clip-spread",
        lambda s, _: s.clip_sd,
        "the answer varies along the video by {seen:.1f} EF points (standard deviation over the "
        "clips), {limit:.1f} at most with the calibration videos: hold the probe still, or cut out "
        "the part that shows the heart well",
    ),
    LearnedGate(
        "backwards",
        _backwards,
        "played backwards it would lie {seen:.2f} times nearer to the calibration videos, "
        "{limit:.2f} times at most of any of these does: is it played from its end to its "
        "beginning? Export it again from the scanner's original",
        space="arrow",
    ),
    LearnedGate(
        "squeezed/least",
        _half_angle,
        "the sector opens by {seen:.0f} degrees to either side, by {limit:.0f} at least in the "
        "calibration videos: " + _SQUARE,
        least=True,
    ),
    LearnedGate(
        "squeezed/most",
        _half_angle,
        "the sector opens by {seen:.0f} degrees to either side, by {limit:.0f} at most in the "
        "calibration videos: " + _SQUARE,
    ),
    LearnedGate(
        "far-statistics",
        _distance("statistics"),
        "its brightness or colours lie {share:.2f} times as far from the calibration videos' as "
        "those of any of these: check gain and colour map, grey B-mode is wanted",
        space="statistics",
    ),
    LearnedGate(
        "far-picture",
        _distance("picture"),
        "its picture lies {share:.2f} times as far from the calibration videos' as that of any of "
        "these: " + _VIEW,
        space="picture",
    ),
    LearnedGate(
        "far-texture",
        # It is measured over time too, and a still picture is refused for being one.
        lambda s, spaces: None if s.still else _distance("texture")(s, spaces),
        "the grain of its picture lies {share:.2f} times as far from the calibration videos' as "
        "that of any of these: was it recorded with a machine, a preset or a processing that the "
        "model does not know, or altered since?",
        space="texture",
        margin=1.0,
    ),
    LearnedGate(
        "far-embedding",
        _distance("embedding"),
        "what the network sees in it lies {share:.2f} times as far from the calibration videos as "
        "any of these: " + _VIEW,
        space="embedding",
    ),
    LearnedGate(
        ANSWERS_DISAGREE,
        lambda s, _: s.disagreement,
        "the network's EF and the one that was traced differ by {seen:.0f} EF points, {limit:.0f} "
        "at most with the calibration videos, so one of them is wrong: look at the traced outline "
        "with `edgeecho preview --overlay`, and measure by hand",
        shares=True,
    ),
)
"""Gates whose thresholds are in the bundle under their names."""
