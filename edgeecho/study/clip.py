"""What a study takes from the result of one clip, whether it has just been made or was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.preprocess.facts import heart_beats
from edgeecho.results import Failure, Numbers, Outcome
from edgeecho.trust import Interval, Probabilities, Refusal


@dataclass(frozen=True)
class Clip:
    """The result of one clip."""

    number: int
    """From 1; the call's outputs and the report call it by that."""
    failure: Failure | None
    """Why its file could not be used; None if it could, and then nothing below says anything."""
    sha256: str | None = None
    numbers: Numbers | None = None
    """None if it was refused. The beats of one that is read from a document are left out."""
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()
    view: str | None = None
    """The view that its file declares."""
    beats: float | None = None
    """Heart beats in the video; None if unknown."""
    damaged: bool = False

    @classmethod
    def of(cls, number: int, outcome: Outcome) -> Clip:
        """That of an outcome."""
        answer = outcome.answer
        if isinstance(answer, Failure):
            return cls(number, answer)
        return cls(
            number,
            None,
            outcome.sha256,
            answer.numbers,
            answer.refusals,
            answer.warnings,
            answer.video.view,
            answer.video.beats,
            bool(answer.video.damage),
        )

    @classmethod
    def read(cls, number: int, result: Mapping[str, Any]) -> Clip:
        """That of one of the `results` of a document; inverse of `to_document` as far as a study
        needs it."""
        if "error" in result:
            return cls(number, Failure(result["error"], result["exit_code"]))
        refusals = tuple(Refusal(**refusal) for refusal in result["refusals"])
        video = result["video"]
        return cls(
            number,
            None,
            result["sha256"],
            None if refusals else _numbers(result),
            refusals,
            tuple(result["warnings"]),
            video["view"],
            heart_beats(video["frames"], video["fps"], video["heart_rate_bpm"]),
            bool(video["damage"]),
        )


def _numbers(result: Mapping[str, Any]) -> Numbers:
    interval, probabilities = result["interval"], result["probabilities"]
    return Numbers(
        ef=result["ef"],
        sd=result["sd"],
        clip_efs=tuple(result["clip_efs"]),
        interval=Interval(**interval) if interval else None,
        probabilities=Probabilities(**probabilities) if probabilities else None,
    )
