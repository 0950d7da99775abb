"""What a study takes from a clip is the same of its outcome and of the document on it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from answers import answered, failed, refused, traced

from edgeecho.report.structured import to_document
from edgeecho.results import Outcome
from edgeecho.study import Clip

OUTCOMES = {
    "answered": answered(41.25),
    "bare": answered(bare=True),
    "refused": refused(),
    "shown although refused": refused(show=True),
    "failed": failed(),
}


def read(outcome: Outcome) -> Clip:
    (result,) = json.loads(json.dumps(to_document([outcome])))["results"]
    return Clip.read(7, result)


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_clip_is_read_as_it_was_written(name: str) -> None:
    assert read(OUTCOMES[name]) == Clip.of(7, OUTCOMES[name])


def test_all_but_its_beats() -> None:
    clip = Clip.of(7, traced())
    assert clip.numbers is not None
    assert clip.numbers.beats is not None
    assert read(traced()) == replace(clip, numbers=replace(clip.numbers, beats=None))


def test_a_refused_number_is_not_read() -> None:
    assert read(refused(show=True)).numbers is None
