"""Percentiles that the samples do not carry are withheld; nothing is ever dropped."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.tools.bench.statistics import (
    PERCENTS,
    needed_samples,
    paired_ratio,
    student,
    summarise,
    unpaired_ratio,
)

milliseconds = st.floats(min_value=0, max_value=1e6, allow_nan=False)
samples = st.lists(milliseconds, min_size=1, max_size=250)


def values(measured: list[float]) -> dict[int, float | None]:
    return {p.percent: p.value for p in summarise(measured).percentiles}


def test_hand_made_summary() -> None:
    summary = summarise([float(v) for v in range(1, 11)])  # 1, 2, ... 10

    assert (summary.n, summary.mean, summary.max) == (10, 5.5, 10.0)
    by_percent = {p.percent: p.value for p in summary.percentiles}
    assert by_percent[50] == 5.5
    assert by_percent[90] == pytest.approx(9.1)  # a tenth of the way from the 9th to the 10th
    assert by_percent[95] is None
    assert by_percent[99] is None


@pytest.mark.parametrize(("percent", "needed"), [(50, 2), (90, 10), (95, 20), (99, 100)])
def test_needed_samples(percent: int, needed: int) -> None:
    assert needed_samples(percent) == needed


@given(st.integers(1, 99))
def test_needed_samples_is_one_over_one_minus_q(percent: int) -> None:
    assert needed_samples(percent) == math.ceil(1 / (1 - Fraction(percent, 100)))


@pytest.mark.parametrize("percent", [-1, 0, 100])
def test_no_percentile_outside_0_to_100(percent: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        needed_samples(percent)


@pytest.mark.parametrize("n", [1, 2, 9, 10, 19, 20, 99, 100])
def test_withheld_exactly_below_the_needed_number(n: int) -> None:
    withheld = {percent for percent, value in values([1.0] * n).items() if value is None}
    assert withheld == {percent for percent in PERCENTS if n < needed_samples(percent)}


@given(samples)
def test_percentiles_are_numpys_or_withheld(measured: list[float]) -> None:
    for percentile in summarise(measured).percentiles:
        if len(measured) < percentile.needed_n:
            assert percentile.value is None
        else:
            assert percentile.value == np.percentile(measured, percentile.percent)


@given(samples, st.floats(min_value=1e7, max_value=1e9))
def test_an_outlier_is_never_dropped(measured: list[float], outlier: float) -> None:
    before, after = summarise(measured), summarise([*measured, outlier])

    assert after.max == outlier
    assert after.n == before.n + 1
    assert after.mean > before.mean


@given(samples)
def test_order(measured: list[float]) -> None:
    summary = summarise(measured)
    carried = [p.value for p in summary.percentiles if p.value is not None]

    assert carried == sorted(carried)
    assert all(min(measured) <= value <= summary.max for value in carried)
    assert min(measured) <= summary.mean * (1 + 1e-12)
    assert summary.mean <= summary.max * (1 + 1e-12)


def test_no_samples_no_summary() -> None:
    with pytest.raises(ValueError, match="at least one"):
        summarise([])


@pytest.mark.parametrize("freedom", [1, 2, 3, 4.6, 29, 1000])
def test_students_t_is_scipys(freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-6)


def test_ratio_of_pairs_is_a_paired_t_test_on_logarithms() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(3)
    drift = rng.lognormal(0, 0.5, 12)
    slow, fast = 200 * drift * rng.lognormal(0, 0.02, 12), 100 * drift
    ratio = paired_ratio(slow.tolist(), fast.tolist())
    exact = stats.ttest_rel(np.log(slow), np.log(fast)).confidence_interval()
    assert (ratio.low, ratio.high) == pytest.approx((np.exp(exact.low), np.exp(exact.high)))
    assert ratio.n == 12
    assert ratio.low is not None
    assert 1.9 < ratio.low < ratio.value < 2.1  # a drift of 50 % does not reach the ratio


def test_ratio_of_two_runs_is_welchs_on_logarithms() -> None:
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(4)
    now, then = rng.lognormal(0.1, 0.05, 9), rng.lognormal(0, 0.1, 30)
    ratio = unpaired_ratio(now.tolist(), then.tolist())
    found = stats.ttest_ind(np.log(now), np.log(then), equal_var=False).confidence_interval()
    assert (ratio.low, ratio.high) == pytest.approx((np.exp(found.low), np.exp(found.high)))


def test_one_sample_carries_no_interval() -> None:
    for ratio in (paired_ratio([3.0], [2.0]), unpaired_ratio([3.0], [2.0, 2.0])):
        assert (ratio.value, ratio.low, ratio.high, ratio.n) == (pytest.approx(1.5), None, None, 1)


def test_equal_times_differ_by_nothing() -> None:
    ratio = unpaired_ratio([2.0, 2.0], [1.0, 1.0, 1.0])
    assert (ratio.low, ratio.value, ratio.high) == pytest.approx((2, 2, 2))


@pytest.mark.parametrize("pair", [([], []), ([1.0], [1.0, 2.0])])
def test_pairs_are_pairs(pair: tuple[list[float], list[float]]) -> None:
    with pytest.raises(ValueError, match="pairs"):
        paired_ratio(*pair)
