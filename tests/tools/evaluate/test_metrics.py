from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeecho.tools.evaluate import EFMetrics
from edgeecho.tools.evaluate.agreement import BlandAltman, PrecisionDrift, errors_by_band

_efs = st.lists(st.floats(0, 100), min_size=2, max_size=50)


def test_metrics_of_a_case_done_by_hand() -> None:
    m = EFMetrics.of(np.array([50.0, 60.0, 40.0]), np.array([52.0, 56.0, 30.0]))
    assert m.n == 3
    assert m.mae == pytest.approx((2 + 4 + 10) / 3)
    assert m.rmse == pytest.approx(np.sqrt((4 + 16 + 100) / 3))
    assert m.bias == pytest.approx((-2 + 4 + 10) / 3)
    assert m.r2 == pytest.approx(1 - 120 / 392)
    assert m.correlation == pytest.approx(np.corrcoef([50, 60, 40], [52, 56, 30])[0, 1])
    assert m.mae_of_mean == pytest.approx((6 + 10 + 16) / 3)


@given(_efs)
def test_the_truth_itself_is_perfect_and_the_mean_scores_zero(efs: list[float]) -> None:
    truth = np.array(efs)
    perfect = EFMetrics.of(truth, truth)
    mean = EFMetrics.of(np.full_like(truth, truth.mean()), truth)
    assert perfect.mae == perfect.rmse == perfect.bias == 0
    assert mean.mae == pytest.approx(mean.mae_of_mean)
    if np.ptp(truth) > 1e-3:
        assert perfect.r2 == 1
        assert perfect.correlation == pytest.approx(1)
        assert mean.r2 == pytest.approx(0, abs=1e-6)


def test_what_is_undefined_is_none_not_nan() -> None:
    constant = EFMetrics.of(np.array([50.0, 50.0]), np.array([40.0, 60.0]))
    assert constant.correlation is None
    assert constant.r2 == 0
    single = EFMetrics.of(np.array([50.0]), np.array([40.0]))
    assert (single.correlation, single.r2, single.mae) == (None, None, 10)


def test_arrays_that_do_not_belong_together_are_a_bug() -> None:
    with pytest.raises(ValueError, match="expected two"):
        EFMetrics.of(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="expected two"):
        EFMetrics.of(np.zeros((3, 2)), np.zeros((3, 2)))
    with pytest.raises(ValueError, match="expected two"):
        EFMetrics.of(np.zeros(0), np.zeros(0))


def test_agreement_bands_and_drift_of_a_case_done_by_hand() -> None:
    assert [band.n for band in errors_by_band(np.zeros(2), np.array([40.1, 49.9]))] == [0, 2, 0]
    truth = np.array([30.0, 40.0, 40.1, 50.0, 60.0])
    predicted = truth + np.array([2.0, -4.0, 1.0, 0.0, -4.0])
    low, middle, high = errors_by_band(predicted, truth)
    assert [band.n for band in (low, middle, high)] == [2, 1, 2]  # 40 is low, 50 is high
    assert (low.mae, low.bias) == (3, -1)
    assert (middle.mae, middle.bias) == (pytest.approx(1), pytest.approx(1))
    assert errors_by_band(predicted[:1], truth[:1])[2].mae is None

    agreement = BlandAltman.of(predicted, truth)
    sd = np.std([2, -4, 1, 0, -4], ddof=1)
    assert (agreement.bias, agreement.sd) == (pytest.approx(-1), pytest.approx(sd))
    assert agreement.low == pytest.approx(-1 - 1.96 * sd)
    assert agreement.high == pytest.approx(-1 + 1.96 * sd)

    assert BlandAltman.of(np.array([52.0, 54.0]), np.full(2, 50.0)).sd == pytest.approx(np.sqrt(2))
    assert BlandAltman.of(predicted[:1], truth[:1]) == BlandAltman(2, None, None, None)

    drift = PrecisionDrift.of(predicted, truth, truth, "fp32")
    assert (drift.max, drift.mean) == (4, pytest.approx(2.2))
    assert drift.p95 == pytest.approx(4)
    spread = PrecisionDrift.of(np.arange(101.0), np.zeros(101), np.zeros(101), "fp32")
    assert (spread.p95, spread.reference) == (95, "fp32")
    assert drift.mae_change == pytest.approx(2.2)
    assert PrecisionDrift.of(truth, truth, predicted, "int8").mae_change == pytest.approx(-2.2)
