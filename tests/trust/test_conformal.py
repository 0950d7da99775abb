from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeecho.preprocess import ClipMode
from edgeecho.trust import Interval
from edgeecho.trust.conformal import calibrated_as, half_width, interval, probabilities


@settings(max_examples=20, deadline=None)
@given(
    n=st.integers(20, 200),
    level=st.sampled_from([0.5, 0.8, 0.9]),
    shape=st.sampled_from(["normal", "standard_cauchy", "exponential"]),
    seed=st.integers(0, 1000),
)
def test_the_interval_holds_new_values_as_often_as_promised(
    n: int, level: float, shape: str, seed: int
) -> None:
    """Whatever the residuals' distribution, on average over calibration sets."""
    rng = np.random.default_rng(seed)
    rounds = 400
    drawn = np.abs(getattr(rng, shape)(size=(rounds, n + 1))).astype(np.float32)
    held = np.mean([row[-1] <= half_width(row[:-1], level) for row in drawn])
    rank = np.ceil((n + 1) * level)
    # Exactly rank / (n + 1), within four standard deviations of `rounds` draws.
    allowed = 4 * np.sqrt(level * (1 - level) / rounds)
    assert level - allowed <= held <= rank / (n + 1) + allowed


def test_the_quantile_is_the_one_of_n_plus_one() -> None:
    residuals = -np.arange(1, 20, dtype=np.float32)
    assert half_width(residuals, 0.9) == 18  # ceil(20 * 0.9): without the one it would be 17.1
    # Nine are just enough: the largest of them.
    assert half_width(residuals[:9], 0.9) == 9
    with pytest.raises(ValueError, match="too few"):
        half_width(residuals[:8], 0.9)


def test_the_interval_stays_within_what_an_ef_can_be() -> None:
    assert interval(55.0, 8.0, 0.9, "phantoms").low == 47
    low, high = (interval(ef, 8.0, 0.9, "phantoms") for ef in (4.0, 97.0))
    assert (low.low, high.high) == (0, 100)
    assert interval(104.0, 2.0, 0.9, "phantoms").low == 100


@pytest.mark.parametrize(
    ("low", "high", "level"),
    [(-0.1, 50, 0.9), (50, 100.1, 0.9), (50.1, 50, 0.9), (40, 50, 0), (40, 50, 1), (40, 50, -0.1)],
)
def test_what_is_no_interval_of_an_ef_is_a_mistake(low: float, high: float, level: float) -> None:
    for good in ((0, 100, 0.001), (50, 50, 0.999)):
        assert Interval(*good, "phantoms").level == good[2]
    with pytest.raises(ValueError, match="expected 0 <= low <= high <= 100 and a level"):
        Interval(low, high, level, "phantoms")


def test_probabilities_count_the_signed_residuals() -> None:
    # Truth minus answer: an answer of 45 may be 35, 40, 45 or 50.
    found = probabilities(45.0, np.array([-10, -5, 0, 5], np.float32))
    assert found.at_most_40 == pytest.approx(2.5 / 5)
    assert found.below_50 == pytest.approx(3.5 / 5)
    # 40 itself is reduced, 50 itself is not.
    for residual, reduced, mildly in ((-5.0, 1.5, 1.5), (-4.9, 0.5, 1.5), (4.9, 0.5, 1.5),
                                      (5.0, 0.5, 0.5)):  # fmt: skip
        found = probabilities(45.0, np.array([residual], np.float32))
        assert (found.at_most_40, found.below_50) == (reduced / 2, mildly / 2)
    sure = probabilities(90.0, np.array([-10, -5, 0, 5], np.float32))
    assert sure.at_most_40 == sure.below_50 == pytest.approx(0.5 / 5)


@pytest.mark.parametrize(
    ("mode", "taken"),
    [
        ("stride:16", "stride:16"),
        ("all", "one"),  # the widest of those with fewer clips, not the nearest
        ("stride:20", "one"),
        ("stride:100", "one"),
        ("stride:3000000000", "one"),  # `center` takes one clip, every stride may take more
        ("center", "center"),
    ],
)
def test_an_uncalibrated_mode_takes_a_wider_interval(mode: str, taken: str) -> None:
    widths = {"stride:16": 8.0, "stride:32": 8.5, "center": 8.4, "one": 9.0}
    assert calibrated_as(ClipMode.parse(mode), widths) == taken
    assert calibrated_as(ClipMode("one"), {"stride:16": 8.0}) is None
