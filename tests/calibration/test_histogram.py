from __future__ import annotations

import numpy as np
import pytest

from edgeecho_calibration.histogram import BINS, PERCENTILE, Histogram, choose_range


def filled(*parts: np.ndarray) -> Histogram:
    histogram = Histogram()
    for part in parts:
        histogram.add(part)
    return histogram


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """As behind a ReLU: half are 0, the rest fall off, one lies far out."""
    rng = np.random.default_rng(0)
    drawn = np.maximum(rng.standard_normal(400_000), 0).astype(np.float32)
    drawn[1234] = 40
    return drawn


def test_counts_are_numpys(values: np.ndarray) -> None:
    found = filled(values)
    expected, _ = np.histogram(values, bins=BINS, range=(0, found.top))
    assert (found.counts == expected).all()
    assert found.top == 64
    assert found.largest == 40


def test_neither_the_order_nor_the_pieces_nor_the_sign_matter(values: np.ndarray) -> None:
    whole = filled(values)
    pieces = np.array_split(values, 7)
    for other in (filled(*pieces), filled(*pieces[::-1]), filled(-values)):
        assert (other.counts == whole.counts).all()
        assert (other.top, other.largest) == (whole.top, whole.largest)
    assert filled(np.zeros((2, 3), np.float32), values).top == whole.top


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_not_counted(bad: float) -> None:
    with pytest.raises(ValueError, match="not numbers"):
        filled(np.array([1, bad], np.float32))


def test_minmax_keeps_everything_and_percentile_cuts(values: np.ndarray) -> None:
    histogram = filled(values)
    assert choose_range(histogram, "minmax") == 40
    cut = choose_range(histogram, "percentile")
    assert cut == pytest.approx(np.percentile(values, PERCENTILE), abs=2 * histogram.width)
    assert cut < 6


def test_entropy_cuts_the_lone_value_but_not_the_bulk(values: np.ndarray) -> None:
    cut = choose_range(filled(values), "entropy")
    assert 3 < cut < 5
    assert np.mean(values > cut) < 0.001


def test_entropy_keeps_an_even_spread_whole() -> None:
    even = np.random.default_rng(1).uniform(0, 3, 400_000).astype(np.float32)
    assert choose_range(filled(even), "entropy") == pytest.approx(3, rel=0.05)


@pytest.mark.parametrize("method", ["minmax", "percentile", "entropy"])
def test_a_tensor_of_zeros_has_a_range_that_is_a_number(method: str) -> None:
    assert 0 <= choose_range(filled(np.zeros(10, np.float32)), method) < 1e-6


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError, match="guess"):
        choose_range(filled(np.ones(3, np.float32)), "guess")
