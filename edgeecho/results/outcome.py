"""What became of one file: an answer, a refused answer, or the reason why there is none.

Reports know no `EFEstimate`. They get an `Answer`, which holds the numbers apart from everything
else and has none where a gate refused them: what a report was not given it cannot show.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EdgeEchoError
from edgeecho.engines import EngineFacts
from edgeecho.inference import EFEstimate
from edgeecho.preprocess import VideoFacts
from edgeecho.results.bands import band
from edgeecho.trust import Interval, Probabilities, Refusal

if TYPE_CHECKING:
    from edgeecho.results.pictures import Pictures


@dataclass(frozen=True)
class Numbers:
    """All that says what the EF is."""

    ef: float
    """In %."""
    sd: float | None
    """Over the clips, in EF points; None for a single clip."""
    clip_efs: tuple[float, ...]
    """In %."""
    interval: Interval | None
    probabilities: Probabilities | None

    @property
    def band(self) -> str:
        """Clinical band of `ef`, in words."""
        return band(self.ef)


@dataclass(frozen=True)
class Answer:
    """An estimate as reports may show it."""

    numbers: Numbers | None
    """None: refused."""
    although_refused: Numbers | None
    """Of a refused one whose number was asked for. To be shown with the word and the reasons."""
    refusals: tuple[Refusal, ...]
    """Why the numbers must not be used; empty: every gate let them pass."""
    clips: str
    """Clip mode."""
    clip_starts: tuple[int, ...]
    clip_times_s: tuple[float, ...] | None
    warnings: tuple[str, ...]
    model: ModelFile
    engine: EngineFacts
    video: VideoFacts
    timings_ms: Mapping[str, float]

    def __post_init__(self) -> None:
        if (self.numbers is None) != bool(self.refusals):
            raise ValueError("expected numbers or else refusals")
        if self.numbers and self.although_refused:
            raise ValueError("expected numbers that are refused or not, got both")

    @classmethod
    def of(cls, estimate: EFEstimate, *, show_refused: bool = False) -> Answer:
        """The one way from an estimate into a report. A refused one loses its numbers here."""
        numbers = Numbers(
            estimate.ef,
            estimate.sd,
            estimate.clip_efs,
            estimate.interval,
            estimate.probabilities,
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
        )


@dataclass(frozen=True)
class Failure:
    """A file that could not be answered."""

    message: str
    exit_code: int

    @classmethod
    def of(cls, error: EdgeEchoError) -> Failure:
        """From the error that was raised."""
        return cls(str(error), error.exit_code)


@dataclass(frozen=True)
class Outcome:
    """One file of an `infer` call. Its number is its place in the call, counted from 1."""

    file: str
    """File name without folders: folder names often hold a patient's name."""
    answer: Answer | Failure
    sha256: str | None = None
    """Of the file's bytes, where it was answered: it tells files of one name apart, and finds the
    file again under any name."""
    pictures: Pictures | None = None
    """Frames for the HTML report, where one was asked for."""

    @property
    def status(self) -> str:
        """`answered`, `refused` or `error`."""
        if isinstance(self.answer, Failure):
            return "error"
        return "refused" if self.answer.numbers is None else "answered"


def answers(outcomes: Sequence[Outcome]) -> list[Answer]:
    """Those of the files that could be used, refused or not."""
    return [o.answer for o in outcomes if isinstance(o.answer, Answer)]


def labels(outcomes: Sequence[Outcome]) -> list[str]:
    """What people are shown: the file name, with its number where the call has two of that name."""
    count = Counter(outcome.file for outcome in outcomes)
    return [
        f"{outcome.file} #{number}" if count[outcome.file] > 1 else outcome.file
        for number, outcome in enumerate(outcomes, 1)
    ]
