"""Outcomes for reports: the real answer to a phantom, with the test's own numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from edgeecho.bundle import EXAMPLE
from edgeecho.inference import EFEstimate, answer_file, load_model
from edgeecho.results import Answer, Failure, Outcome
from edgeecho.trust import Interval, Probabilities, Refusal

NAME = "DOE^JANE 1950.avi"
"""A file name as people give them; no document for other systems may hold any of it."""
REASONS = (
    Refusal("too-short", "30 frames, but two heart beats take 90: record longer"),
    Refusal("far-from-training", "unlike the videos of training: “no” × number"),
)


def answered(ef: float = 47.6, *, bare: bool = False) -> Outcome:
    """Of `ef` -7 to +8, at a level of 90 %; `bare`: neither interval nor probabilities."""
    return Outcome(NAME, Answer.of(_sure(ef, bare=bare)), "1" * 64)


def refused(ef: float = 43.2109, *, show: bool = False) -> Outcome:
    """For two reasons; `show`: with the number that was asked for although refused."""
    estimate = replace(_sure(ef), refusals=REASONS, warnings=("an odd frame",))
    return Outcome(NAME, Answer.of(estimate, show_refused=show), "2" * 64)


def failed() -> Outcome:
    """A file without an answer."""
    return Outcome(NAME, Failure(f"{NAME} is empty (0 bytes): copy or export it again", 3))


def _sure(ef: float, *, bare: bool = False) -> EFEstimate:
    return replace(
        _answer(),
        ef=ef,
        clip_efs=(ef - 0.5, ef + 0.5),
        interval=None if bare else Interval(ef - 7, ef + 8, 0.9),
        probabilities=None if bare else Probabilities(round(ef / 1000, 6), round(ef / 100, 6)),
    )


@cache
def _answer() -> EFEstimate:
    estimate, _ = answer_file(EXAMPLE, load_model(), clips="center")
    return replace(estimate, refusals=(), warnings=())
