"""Binomial probabilities, held to scipy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from edgeecho_calibration.chance import at_least, coverage, most

CASES = [(0, 1, 0.5), (1, 1, 0.5), (3, 40, 0.02), (40, 40, 0.9), (30, 2000, 0.02), (7, 9, 1.0)]


@pytest.mark.parametrize(("k", "n", "p"), CASES)
def test_the_tail_is_scipys(k: int, n: int, p: float) -> None:
    assert at_least(k, n, p) == pytest.approx(stats.binom.sf(k - 1, n, p), abs=1e-12)
    assert at_least(k, n, 0.0) == (k == 0)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (0, 300), (5, 100), (99, 100), (3, 3)])
def test_the_upper_limit_is_clopper_and_pearsons(k: int, n: int) -> None:
    expected = stats.binomtest(k, n, alternative="less").proportion_ci(0.95).high
    assert most(k, n) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "level"), [(9, 0.9), (100, 0.9), (512, 0.9), (3000, 0.5)])
def test_coverage_lies_where_the_beta_distribution_says(n: int, level: float) -> None:
    k = int(np.ceil((n + 1) * level))
    expected = stats.beta.ppf([0.05, 0.95], k, n + 1 - k)
    assert coverage(n, level) == pytest.approx(expected, abs=1e-9)


def test_coverage_holds_of_intervals_that_were_calibrated_again_and_again() -> None:
    rng = np.random.default_rng(0)
    n, level = 100, 0.9
    widths = np.sort(np.abs(rng.standard_normal((4000, n))), axis=1)[:, 90]
    covered = 2 * stats.norm.cdf(widths) - 1
    low, high = coverage(n, level)
    assert np.mean((covered > low) & (covered < high)) == pytest.approx(0.9, abs=0.02)


def test_too_few_videos_are_said() -> None:
    with pytest.raises(ValueError, match="8 videos are too few"):
        coverage(8, 0.9)


def test_the_figures_of_the_trust_page() -> None:
    assert coverage(100, 0.9) == pytest.approx((0.848, 0.945), abs=5e-4)
    assert coverage(500, 0.9) == pytest.approx((0.877, 0.921), abs=5e-4)
