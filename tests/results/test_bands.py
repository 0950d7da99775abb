"""Words for numbers, each on both sides of where it changes."""

from __future__ import annotations

import pytest

from edgeecho.results import BANDS, band, likelihood, percent


def test_the_bands_are_those_of_the_guidelines() -> None:
    assert [(low, high, words) for low, high, _, words in BANDS] == [
        (0, 40, "reduced"),
        (40, 50, "mildly reduced"),
        (50, 100, "preserved"),
    ]


def test_an_ef_of_40_is_reduced_and_one_of_50_preserved() -> None:
    efs = (-1, 40, 40.01, 49.99, 50, 101)
    assert [band(ef) for ef in efs] == [words for *_, words in BANDS for _ in range(2)]


@pytest.mark.parametrize(
    ("most", "words", "beyond"),
    [
        (0.10, "very unlikely", "unlikely"),
        (0.33, "unlikely", "about as likely as not"),
        (0.66, "about as likely as not", "likely"),
        (0.90, "likely", "very likely"),
    ],
)
def test_a_likelihood_reaches_as_far_as_the_ipcc_says(most: float, words: str, beyond: str) -> None:
    assert likelihood(most) == words
    assert likelihood(most + 1e-6) == beyond


def test_no_probability_is_certain() -> None:
    assert [percent(p) for p in (0.0, 0.0099, 0.01, 0.126, 0.99, 0.9901, 1.0)] == [
        "< 1 %", "< 1 %", "1 %", "13 %", "99 %", "> 99 %", "> 99 %",
    ]  # fmt: skip
