"""How hard a video is, fitted to errors of a known law."""

from __future__ import annotations

import numpy as np
import pytest

from edgeecho.trust.conformal import half_width
from edgeecho.trust.difficulty import Difficulty, Hints
from edgeecho_calibration.difficulty_fit import fit_difficulty, multiples

RNG = np.random.default_rng(7)
N = 600


def videos(n: int = N) -> tuple[list[Hints], np.ndarray]:
    """Their errors are as the spread of their clips; nothing else tells anything."""
    spread = np.exp(RNG.normal(0.5, 0.6, n))
    hints = [
        Hints(float(ef), float(sd), float(rate), None)
        for ef, sd, rate in zip(
            RNG.uniform(15, 75, n), spread, RNG.uniform(50, 110, n), strict=True
        )
    ]
    return hints, RNG.normal(0, 1.5, n) * spread


def test_the_errors_that_a_hint_tells_are_found_and_no_others() -> None:
    fitted = fit_difficulty(*videos(3000))
    hard, usual = (fitted.of(Hints(45.0, sd, 77.0, None)) for sd in (4.0, 2.0))
    assert hard / usual == pytest.approx(2.0, rel=0.25)
    still = [fitted.of(Hints(45.0, 2.0, rate, None)) for rate in (55.0, 105.0)]
    assert still[0] / still[1] == pytest.approx(1.0, abs=0.15)
    assert fitted.weights[3] == 0.0  # nothing was traced


def test_hard_and_easy_videos_are_covered_alike() -> None:
    hints, residuals = videos()
    half = half_width((residuals / multiples(hints, residuals)).astype(np.float32), 0.9)
    fitted = fit_difficulty(hints, residuals)
    new, errors = videos(4000)
    widths = half * np.array([fitted.of(one) for one in new])
    hard = np.array([one.clip_sd for one in new]) > 2
    assert np.mean(np.abs(errors) <= widths) == pytest.approx(0.9, abs=0.03)
    assert np.mean(np.abs(errors) <= widths, where=hard) == pytest.approx(0.9, abs=0.04)
    constant = half_width(residuals.astype(np.float32), 0.9)
    assert np.mean(np.abs(errors) <= constant, where=hard) < 0.85
    assert widths.mean() < constant


def test_where_no_hint_tells_anything_all_widths_are_near_one_another() -> None:
    hints, _ = videos()
    found = multiples(hints, RNG.laplace(0, 3, N))
    assert np.abs(np.log(found)).max() < 0.5


def test_what_is_unknown_counts_as_usual_and_nothing_counts_beyond_two_deviations() -> None:
    law = Difficulty(
        mean=np.array([50, 0, 4, 1], np.float32),
        scale=np.array([10, 1, 0.2, 0.5], np.float32),
        weights=np.array([0, 0.5, 0.25, 0.125], np.float32),
    )
    assert law.of(Hints(50.0, None, None, None)) == 1.0
    assert law.of(Hints(50.0, 1e6, None, None)) == pytest.approx(np.exp(1.0))
    assert law.of(Hints(50.0, 1e6, 1e6, 0.0)) == pytest.approx(np.exp(1.75))


def test_answers_without_any_error_are_no_reason_for_an_interval_of_nothing() -> None:
    hints, _ = videos()
    assert fit_difficulty(hints, np.zeros(N)).of(hints[0]) == pytest.approx(1.0)
