"""The outcome of one file: an answer, a refused answer, or the reason why there is none.

Reports never get an `EFEstimate`. They get an `Answer`, which separates the numbers from everything
else and has none if a gate refused them: a report cannot show what it was not given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeecho.beats import Beats, NoBeats, Rule
from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EdgeEchoError
from edgeecho.engines import EngineFacts
from edgeecho.inference import EFEstimate, Traced
from edgeecho.preprocess import VideoFacts
from edgeecho.results.bands import band
from edgeecho.trust import Interval, Probabilities, Refusal

if TYPE_CHECKING:
    from edgeecho.results.pictures import Pictures


@dataclass(frozen=True)
class Numbers:
    """Everything that discloses the EF."""

    ef: float
    """In %."""
    sd: float | None
    """Standard deviation over the clips in EF points; None for a single clip."""
    clip_efs: tuple[float, ...]
    """In %."""
    interval: Interval | None
    probabilities: Probabilities | None
    beats: Beats | None = None
    """The beats that were traced; None if the model has no segmentation or none were wanted."""

    @property
    def band(self) -> str:
        """Clinical band of `ef` in words."""
        return band(self.ef)


@dataclass(frozen=True)
class TracingFacts:
    """How the left ventricle was traced; nothing here discloses the EF."""

    rule: Rule
    """How beats were found."""
    reason: NoBeats | None
    """Why no beat is used; None if one is."""
    engine: EngineFacts
    """What ran the segmentation."""
    source: tuple[int, ...] | None
    """Number of the file's frame that each frame shows, from 0; None if that is not known."""

    @classmethod
    def of(cls, traced: Traced | None) -> TracingFacts | None:
        """None if nothing was traced."""
        if traced is None:
            return None
        beats = traced.beats
        return cls(beats.rule, beats.reason, traced.engine, traced.source)


@dataclass(frozen=True)
class Answer:
    """An estimate as reports may show it."""

    numbers: Numbers | None
    """None if the EF was refused."""
    although_refused: Numbers | None
    """Numbers of a refused EF, if the user asked for them. Show them only with the word "refused"
    and the reasons."""
    refusals: tuple[Refusal, ...]
    """Why the numbers must not be used; empty if they passed every gate."""
    clips: str
    """Clip mode."""
    clip_starts: tuple[int, ...]
    clip_times_s: tuple[float, ...] | None
    warnings: tuple[str, ...]
    model: ModelFile
    engine: EngineFacts
    video: VideoFacts
    timings_ms: Mapping[str, float]
    tracing: TracingFacts | None = None
    """None if the model has no segmentation or no beats were wanted."""

    def __post_init__(self) -> None:
        if (self.numbers is None) != bool(self.refusals):
            raise ValueError("expected numbers or else refusals")
        if self.numbers and self.although_refused:
            raise ValueError("expected numbers that are refused or not, got both")

    @classmethod
    def of(cls, estimate: EFEstimate, *, show_refused: bool = False) -> Answer:
        """Convert an estimate, the only way into a report. A refused one loses its numbers."""
        numbers = Numbers(
            estimate.ef,
            estimate.sd,
            estimate.clip_efs,
            estimate.interval,
            estimate.probabilities,
            estimate.traced.beats if estimate.traced else None,
        )
        return cls(
            numbers=None if estimate.refused else numbers,
            although_refused=numbers if estimate.refused and show_refused else None,
            refusals=estimate.refusals,
            clips=estimate.clips,
            clip_starts=estimate.clip_starts,
            clip_times_s=estimate.clip_times_s,
            warnings=estimate.warnings,
            model=estimate.model,
            engine=estimate.engine,
            video=estimate.video,
            timings_ms=estimate.timings_ms,
            tracing=TracingFacts.of(estimate.traced),
        )


@dataclass(frozen=True)
class Failure:
    """A file that could not be answered."""

    message: str
    exit_code: int

    @classmethod
    def of(cls, error: EdgeEchoError) -> Failure:
        """The failure for an error."""
        return cls(str(error), error.exit_code)


@dataclass(frozen=True)
class Outcome:
    """The outcome of one file of an `infer` call. Its number is its place in the call, from 1."""

    file: str
    """File name without folders, whose names often contain a patient's name."""
    answer: Answer | Failure
    sha256: str | None = None
    """SHA-256 of an answered file's bytes: it distinguishes files of the same name and identifies a
    renamed file."""
    pictures: Pictures | None = None
    """Frames for the HTML report, if one was requested."""

    @property
    def status(self) -> str:
        """`answered`, `refused` or `error`."""
        if isinstance(self.answer, Failure):
            return "error"
        return "refused" if self.answer.numbers is None else "answered"


def answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    """The answers of the files that could be used, refused or not."""
    return [o.answer for o in outcomes if isinstance(o.answer, Answer)]


def labels(outcomes: Sequence[Outcome]) -> list[str]:
    """Labels for people: the file name, with its number if the call has several of that name."""
    count = Counter(outcome.file for outcome in outcomes)
    return [
        f"{outcome.file} #{number}" if count[outcome.file] > 1 else outcome.file
        for number, outcome in enumerate(outcomes, 1)
    ]
