from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score, root_mean_squared_error

from edgeecho.common import bootstrap as drawing
from edgeecho.common.bootstrap import bootstrap_mean, resample
from edgeecho.tools.evaluate.statistics import auroc, bootstrap, coverage, roc_curve
from edgeecho.trust import Interval


def labelled(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Predictions and labels; the predictions hold ties."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(20, 70, n)
    return np.round(truth + rng.normal(0, 12, n), -1), truth


def test_auroc_of_a_case_done_by_hand() -> None:
    truth = np.array([30.0, 45.0, 55.0, 60.0])
    # Pairs of a low and another EF: 30 | 55, 30 | 60 and 45 | 60 right, 45 | 55 a tie.
    assert auroc(np.array([20.0, 50.0, 50.0, 70.0]), truth, 50) == pytest.approx(3.5 / 4)
    assert auroc(np.array([60.0, 50.0, 40.0, 30.0]), truth, 50) == 0
    assert auroc(truth, truth, 45) == 1  # 45 itself is not below 45
    assert auroc(truth, truth, 30) is None
    assert auroc(truth, truth, 61) is None


def test_the_curve_of_a_case_done_by_hand() -> None:
    missed, seen = roc_curve(np.array([20.0, 50.0, 40.0]), np.array([30.0, 45.0, 50.0]), 50)
    assert (missed.tolist(), seen.tolist()) == ([0, 0, 1, 1], [0, 0.5, 0.5, 1])


@pytest.mark.slow
def test_intervals_are_the_published_places_of_the_sorted_resamples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    predicted, truth = labelled(24)
    truth[:2] = 40, 50  # a label on a threshold is not below it
    monkeypatch.setattr(drawing, "_CHUNK", 24 * 70)  # several chunks, the last one smaller
    found = bootstrap(predicted, truth, resamples=200, seed=3)
    brute: dict[str, list[float]] = {name: [] for name in found}
    for counts in np.concatenate(list(resample(24, 200, 3))).astype(int):
        assert counts.sum() == 24
        p, t = np.repeat(predicted, counts), np.repeat(truth, counts)
        brute["mae"].append(mean_absolute_error(t, p))
        brute["rmse"].append(root_mean_squared_error(t, p))
        brute["r2"].append(r2_score(t, p))
        for threshold in (35, 40, 45, 50):
            if len(set(t < threshold)) == 2:
                brute[f"auroc_{threshold}"].append(roc_auc_score(t < threshold, -p))
    for name, values in brute.items():
        measured, n = found[name], len(values)
        assert measured is not None
        assert measured.undefined == 200 - n
        places = (round(0.05 * n), round(0.95 * n))
        assert [measured.low, measured.high] == pytest.approx([sorted(values)[i] for i in places])
        assert measured.low <= measured.value <= measured.high
    assert measured.level == 0.9


@pytest.mark.slow
def test_the_interval_of_a_mean_is_that_of_the_central_limit_theorem() -> None:
    samples = np.random.default_rng(2).normal(3, 2, 500)
    found = bootstrap_mean(samples)
    reach = 1.6449 * samples.std() / np.sqrt(500)
    assert found.value == samples.mean()
    assert [found.value - found.low, found.high - found.value] == pytest.approx(
        [reach, reach], rel=0.05
    )
    assert found == bootstrap_mean(samples)  # seeded


def test_what_is_not_defined_is_none_or_counted() -> None:
    same = bootstrap(np.array([50.0, 60.0]), np.array([55.0, 55.0]), resamples=50)
    assert same["r2"] is None
    assert same["auroc_50"] is None
    assert same["mae"] is not None
    one_low = bootstrap(np.array([30.0, 60.0, 70.0]), np.array([30.0, 60.0, 70.0]), resamples=500)
    area = one_low["auroc_50"]
    assert area is not None
    assert (area.value, area.low, area.high) == (1, 1, 1)
    assert 100 < area.undefined < 250  # (2/3)^3 without the low one, (1/3)^3 without another


def test_coverage_has_the_exact_binomial_interval() -> None:
    def answered(inside: int, n: int) -> list[Interval | None]:
        hit, miss = Interval(40, 60, 0.9, "phantoms"), Interval(60, 80, 0.9, "phantoms")
        return [*[hit] * inside, *[miss] * (n - inside), None]

    found = coverage(answered(8, 10), np.full(11, 50.0))
    assert found is not None
    assert (found.inside, found.n, found.share, found.meant) == (8, 10, 0.8, 0.9)
    # Clopper and Pearson's tables.
    assert [found.low, found.high] == pytest.approx([0.4439, 0.9748], abs=1e-4)
    every = coverage(answered(10, 10), np.full(11, 50.0))
    assert every is not None
    assert [every.low, every.high] == pytest.approx([0.6915, 1], abs=1e-4)
    assert coverage([None], np.array([50.0])) is None
    edges = coverage(
        [Interval(50, 60, 0.9, "phantoms"), Interval(40, 50, 0.9, "phantoms")], np.full(2, 50.0)
    )
    assert edges is not None
    assert edges.inside == 2


@pytest.mark.slow
def test_training_gets_its_metrics_without_the_extra() -> None:
    code = (
        "import sys; from edgeecho.tools.evaluate import EFMetrics, evaluate; "
        "sys.exit(bool({'scipy', 'sklearn', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
