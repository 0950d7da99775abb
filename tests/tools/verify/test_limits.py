from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.precisions import LIMITS, DriftLimits, parse_limits
from edgeecho.tools.verify import Drift, miss


def test_the_table_is_the_projects() -> None:
    assert {k: v.to_dict() for k, v in LIMITS.items()} == {
        "fp32": {"max": 0.01},
        "fp16": {"mean": 0.05, "max": 0.2},
        "int8": {"mean": 0.3, "p95": 0.7, "max": 1.5, "mae": 0.1},
    }


def test_an_option_changes_one_number_and_the_last_one_wins() -> None:
    found = parse_limits(["int8.max=2", "int8.max=1", "fp32.mean=0"])
    assert found["int8"] == DriftLimits(0.3, 0.7, 1, 0.1)
    assert found["fp32"] == DriftLimits(mean=0, max=0.01)
    assert found["fp16"] == LIMITS["fp16"]
    assert parse_limits([]) == LIMITS


@pytest.mark.parametrize(
    "option", ["", "int8", "int8.max", "int8.max=", "int8.max=x", "int8.max=nan", "int8.max=-1",
               "int4.max=1", "int8.median=1", "max=1"]
)  # fmt: skip
def test_what_is_no_limit_is_a_usage_error(option: str) -> None:
    with pytest.raises(UsageError, match=r"--limit .*such as int8\.max=1"):
        parse_limits([option])


def test_limits_of_a_manifest_are_read_back_or_refused() -> None:
    for limits in LIMITS.values():
        assert DriftLimits.from_dict(limits.to_dict()) == limits
    for wrong in ({"median": 1}, {"max": "x"}, []):
        with pytest.raises(ModelError):
            DriftLimits.from_dict(wrong)


def test_drift_is_what_it_says() -> None:
    expected = np.arange(20, dtype=np.float32) + 40
    shift = np.zeros(20, np.float32)
    shift[3], shift[7] = -1.0, 3.0
    drift = Drift.of(expected + shift, expected, expected + 5)
    assert drift.mean == pytest.approx(0.2)
    assert drift.max == pytest.approx(3)
    assert drift.p95 == pytest.approx(1.1)
    # Clip 3 is a point further from its label, clip 7 three points nearer.
    assert drift.mae == pytest.approx((1 - 3) / 20)


@pytest.mark.parametrize("name", ["mean", "p95", "max", "mae"])
@pytest.mark.parametrize("value", [0.5, math.nan, math.inf])
def test_each_statistic_can_miss_its_limit_alone(name: str, value: float) -> None:
    drift = Drift(**{"mean": 0.0, "p95": 0.0, "max": 0.0, "mae": 0.0, name: value})
    missed = miss(drift, DriftLimits(**{name: 0.4}))
    assert missed is not None
    assert missed.endswith("allowed are 0.4")
    others = {other: 0.0 for other in ("mean", "p95", "max", "mae") if other != name}
    assert miss(drift, DriftLimits(**others)) is None
    assert miss(Drift(0, 0, 0, -3), LIMITS["int8"]) is None, "a smaller error is welcome"


def test_a_limit_that_nothing_misses_is_refused() -> None:
    for number in ("inf", "nan", "-1", "1e999"):
        with pytest.raises(UsageError, match="PRECISION"):
            parse_limits([f"fp32.max={number}"])


def test_wider_limits_are_told_apart_from_narrower_ones() -> None:
    own = LIMITS["int8"]
    assert own.wider_than(own) == ()
    assert replace(own, mean=0.1, max=2).wider_than(own) == ("max",)
    assert replace(own, mae=None).wider_than(own) == ("mae",)
