"""Percentiles that the samples do not carry are withheld; nothing is ever dropped."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.bench.statistics import PERCENTS, needed_samples, summarise

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
