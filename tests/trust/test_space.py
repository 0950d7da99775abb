"""The distance from calibration videos, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeecho.trust.space import Space

SPACE = Space(
    mean=np.array([10, 20, 30], np.float32),
    scale=np.array([1, 2, 4], np.float32),
    directions=np.array([[0, 1, 0]], np.float32),
    variances=np.array([4], np.float32),
    rest=0.25,
)


def test_a_distance_counts_each_direction_by_its_variance() -> None:
    assert SPACE.distance([10, 20, 30]) == 0
    # 3 standard deviations along the direction: 9 / 4; 1 and 2 in the others: (1 + 4) / 0.25.
    assert SPACE.distance([10, 26, 30]) == pytest.approx(np.sqrt(9 / 4 / 3))
    assert SPACE.distance([11, 20, 22]) == pytest.approx(np.sqrt(20 / 3))
    assert SPACE.distance([9, 14, 38]) == pytest.approx(np.sqrt((9 / 4 + 20) / 3))


def test_one_value_counts_by_8_deviations_at_most() -> None:
    assert SPACE.distance([18, 20, 30]) == pytest.approx(np.sqrt(256 / 3))
    assert SPACE.distance([1000, 20, 30]) == SPACE.distance([18, 20, 30])
    assert SPACE.distance([-1000, 20, 30]) == SPACE.distance([2, 20, 30])


@pytest.mark.parametrize("value", [0, -0.5])
def test_deviations_and_variances_are_above_0(value: float) -> None:
    for name, number in (("scale", 3), ("variances", 1)):
        with pytest.raises(ValueError, match="expected scales and variances above 0"):
            replace(SPACE, **{name: np.array([1.0] * (number - 1) + [value], np.float32)})
    with pytest.raises(ValueError, match="expected scales and variances above 0"):
        replace(SPACE, rest=value)


@pytest.mark.parametrize("name", ["mean", "scale", "variances"])
def test_shapes_fit_together(name: str) -> None:
    with pytest.raises(ValueError, match="expected means and scales of 3, 1 variances, got"):
        replace(SPACE, **{name: np.ones(2, np.float32)})
