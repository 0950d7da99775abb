"""Answers in a resume file come back as they were, beats and their curve too."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import ventricle
from answers import answered, refused, traced

from edgeecho.batch.kept import from_dict, to_dict
from edgeecho.results import Answer, Outcome

EVERY = {
    "no beats": answered(),
    "beats": traced(),
    "no size of a pixel": traced(spacing_mm=None),
    "published": traced(rule="published"),
    "still": traced(still=True),
    "refused": refused(),
    "refused beats": traced(refused=True),
    "shown": traced(refused=True, show=True),
}


def back(answer: Answer) -> Answer:
    return from_dict(json.loads(json.dumps(to_dict(answer), allow_nan=False)), answer.model)


@pytest.mark.parametrize("case", EVERY)
def test_an_answer_comes_back(case: str) -> None:
    answer = EVERY[case].answer
    assert isinstance(answer, Answer)
    again = back(answer)
    for name in ("numbers", "although_refused"):
        before, after = getattr(answer, name), getattr(again, name)
        assert (before is None) == (after is None)
        if before is None or before.beats is None:
            assert before == after
            continue
        assert replace(before, beats=None) == replace(after, beats=None)
        one, two = before.beats, after.beats
        assert (one.rule, one.found, one.reason) == (two.rule, two.found, two.reason)
        for row in ("seconds", "areas", "smooth"):
            assert np.array_equal(getattr(one.curve, row), getattr(two.curve, row), equal_nan=True)
    nothing = {
        "numbers": None,
        "although_refused": None,
        "refusals": EVERY["refused"].answer.refusals,
    }  # type: ignore[union-attr]
    assert replace(answer, **nothing) == replace(again, **nothing)


def test_empty_masks_are_kept() -> None:
    masks = ventricle.beating(120)
    masks[50:52] = False
    outcome: Outcome = traced()
    answer = outcome.answer
    assert isinstance(answer, Answer)
    assert answer.numbers is not None
    beats = ventricle.traced(masks).beats
    again = back(replace(answer, numbers=replace(answer.numbers, beats=beats)))
    assert again.numbers is not None
    assert again.numbers.beats is not None
    assert np.isnan(again.numbers.beats.curve.areas[50:52]).all()
