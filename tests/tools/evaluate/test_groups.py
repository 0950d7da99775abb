"""Groups of videos, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.tools.evaluate.groups import in_groups
from edgeecho.tools.evaluate.predictions import Prediction
from edgeecho.trust import Hints, Interval


def answer(ef: float, *, rate: float | None = None, refused: bool = False) -> Prediction:
    interval = None if refused else Interval(ef - 5, ef + 5, 0.9, "phantoms")
    gates = ("frozen",) if refused else ()
    hints = Hints(ef, None, rate, None)
    return Prediction("v", ef, 70, (ef,), interval, gates, 1, 1, 1, 0, hints)


def test_bands_of_the_true_ef() -> None:
    found = in_groups(
        [answer(31), answer(24), answer(50, refused=True), answer(48), answer(41)],
        np.array([20.0, 29.9, 30.0, 50.0, 52.0]),
    )
    low, next_one, high = found
    assert (low.name, low.n, low.refused, low.far) == ("true EF below 30 %", 2, 0, 1)
    assert (low.mae, low.bias, low.width) == pytest.approx((8.45, 2.55, 10))
    assert low.coverage is not None
    assert (low.coverage.inside, low.coverage.n) == (0, 2)
    # A refused answer is not shown, so it is not far off, and has no interval.
    assert (next_one.name, next_one.n, next_one.refused) == ("true EF 30 to 40 %", 1, 1)
    assert (next_one.mae, next_one.far, next_one.width, next_one.coverage) == (20, 0, None, None)
    assert (high.name, high.n, high.far) == ("true EF 50 to 60 %", 2, 1)
    assert high.coverage is not None
    assert (high.coverage.inside, high.coverage.n) == (1, 2)


def test_quarters_of_the_heart_rate_and_those_without_one() -> None:
    some = [answer(50, rate=float(rate)) for rate in range(60, 100)]
    found = in_groups([*some, answer(50)], np.full(41, 50.0))
    assert [(group.name, group.n) for group in found] == [
        ("true EF 50 to 60 %", 41),
        ("heart rate below 69.8 /min", 10),
        ("heart rate 69.8 to 79.5 /min", 10),
        ("heart rate 79.5 to 89.2 /min", 10),
        ("heart rate 89.2 /min or more", 10),
        ("heart rate unknown", 1),
    ]


def test_few_videos_have_no_quarters() -> None:
    some = [answer(50, rate=float(rate)) for rate in range(60, 99)]
    assert len(in_groups(some, np.full(39, 50.0))) == 1
