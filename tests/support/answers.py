"""Outcomes for reports: the real answer to a phantom, with the test's own numbers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import ventricle

from edgeecho.beats import Rule
from edgeecho.bundle import EXAMPLE
from edgeecho.bundle.open import MaskFile
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


def traced(
    ef: float = 47.6,
    *,
    spacing_mm: float | None = 1.5,
    rule: Rule = "default",
    still: bool = False,
    refused: bool = False,
    show: bool = False,
    depth: float = 8.0,
) -> Outcome:
    """An answer with the beats of a drawn ventricle at 50 frames/s, shown by every second frame.

    Of its beats the second and the third have a clip. `still`: it does not beat.
    """
    masks = ventricle.beating(180, depth=0.0 if still else depth)
    plain = ventricle.traced(masks, spacing_mm=spacing_mm, rule=rule)
    systoles = [beat.es.frame for beat in plain.beats.found if beat.es]
    clips = {max(frame - 32, 0): 40.0 + 10 * n for n, frame in enumerate(systoles[1:3])}
    estimate = _sure(ef)
    masks_file = MaskFile(estimate.model.path, "5" * 64, "lraspp_mobilenet_v3_large", "fp32")
    found = replace(
        estimate,
        model=replace(estimate.model, segmentation=masks_file),
        traced=replace(
            plain, beats=plain.beats.with_network(clips), source=tuple(range(0, 360, 2))
        ),
        refusals=REASONS if refused else (),
    )
    return Outcome(NAME, Answer.of(found, show_refused=show), "3" * 64)


def failed() -> Outcome:
    """A file without an answer."""
    return Outcome(NAME, Failure(f"{NAME} is empty (0 bytes): copy or export it again", 3))


def _sure(ef: float, *, bare: bool = False) -> EFEstimate:
    return replace(
        _answer(),
        ef=ef,
        clip_efs=(ef - 0.5, ef + 0.5),
        interval=None if bare else Interval(ef - 7, ef + 8, 0.9, "phantoms"),
        probabilities=None if bare else Probabilities(round(ef / 1000, 6), round(ef / 100, 6)),
    )


@cache
def _answer() -> EFEstimate:
    estimate, _ = answer_file(EXAMPLE, load_model(), clips="center")
    return replace(estimate, refusals=(), warnings=())
