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


def test_bins_are_equal_and_a_larger_value_doubles_the_range() -> None:
    histogram = filled(np.array([0, 1, -3], np.float32))
    assert (BINS, histogram.top, histogram.width, histogram.largest) == (4096, 4, 4 / 4096, 3)
    assert np.flatnonzero(histogram.counts).tolist() == [0, 1024, 3072]
    histogram.add(np.array([4], np.float32))
    assert histogram.top == 8, "the top itself is beyond the last bin"
    assert np.flatnonzero(histogram.counts).tolist() == [0, 512, 1536, 2048]
    assert histogram.counts.sum() == 4


def test_a_large_tensor_is_counted_in_chunks() -> None:
    many = np.ones((1 << 20) + 5, np.float32)
    many[-1] = 2
    histogram = filled(many)
    assert histogram.counts.sum() == len(many)
    assert histogram.counts[2048] == 1


def test_the_percentile_is_the_upper_edge_of_its_bin() -> None:
    # Of 100,000 values all but one lie in the bin of 1, up to 1 + 4 / 4096.
    many = np.ones(100_000, np.float32)
    many[0] = 3
    assert choose_range(filled(many), "percentile") == 1 + 4 / 4096
    many[1] = 3
    assert choose_range(filled(many), "percentile") == 3


@pytest.mark.slow
def test_entropy_by_its_definition() -> None:
    """Of 512 bins, the end at which 128 levels lose least, computed bin by bin."""
    rng = np.random.default_rng(3)
    drawn = np.abs(rng.standard_normal(20_000)).astype(np.float32) * 60
    drawn = np.minimum(np.r_[drawn, 511], 511).astype(np.float32)
    histogram = Histogram()
    histogram.top = 4096.0  # bins of 1
    histogram.add(drawn)
    counts = np.bincount(drawn.astype(int)).astype(float)
    counts[0] = counts[1]
    losses = {}
    for end in range(128, 513, 2):
        reference = counts[:end].copy()
        reference[-1] += counts[end:].sum()
        quantized = np.zeros(end)
        for level in range(128):
            places = [i for i in range(end) if i * 128 // end == level and counts[i] > 0]
            if places:
                quantized[places] = counts[places].sum() / len(places)
        seen = reference > 0
        if (quantized[seen] == 0).any():
            continue
        p, q = reference[seen] / reference.sum(), quantized[seen] / quantized.sum()
        losses[end] = (p * np.log(p / q)).sum()
    assert choose_range(histogram, "entropy") == min(losses, key=lambda end: losses[end])


def test_entropy_keeps_the_last_bin_of_an_even_spread() -> None:
    histogram = Histogram()
    histogram.top = 4096.0  # bins of 1
    histogram.add(np.repeat(np.arange(512, dtype=np.float32) + 0.5, 3))
    assert choose_range(histogram, "entropy") == 511.5
