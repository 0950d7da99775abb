"""What is said of an EF: interval, chances, refusals and warnings, on made-up measurements."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measured import GOOD

from edgeecho.common.errors import ModelError
from edgeecho.preprocess import ClipMode
from edgeecho.trust import Interval, Trust, judge
from edgeecho.trust.difficulty import Difficulty
from edgeecho.trust.picture import GRID
from edgeecho.trust.space import Space

SIGNALS = replace(
    GOOD,
    picture=np.zeros(2 * GRID * GRID, np.float32),
    clip_sd=2.0,
    embedding=np.zeros(2, np.float32),
)
SPACE = Space(
    np.zeros(2, np.float32), np.ones(2, np.float32), np.eye(2, dtype=np.float32)[:1],
    np.ones(1, np.float32), 1.0,
)  # fmt: skip
TRUST = Trust(
    level=0.9,
    precision="fp32",
    domain="phantoms",
    half_widths={"stride:16": 6.0, "center": 8.0},
    residuals={
        "stride:16": np.array([-10, -5, 0, 5], np.float32),
        "center": np.array([-20, -20, -20, 20], np.float32),
    },
    difficulties={},
    spaces={"embedding": (SPACE,)},
    limits={"far-embedding": 2.0},
    edges={},
)
MODE = ClipMode("stride", 16)


def test_an_ef_that_passes_has_the_interval_and_the_chances_of_its_mode() -> None:
    found = judge(SIGNALS, 45.0, MODE, TRUST, precision="fp32")
    assert found.interval == Interval(39.0, 51.0, 0.9, "phantoms")
    assert found.probabilities is not None
    assert found.probabilities.at_most_40 == pytest.approx(2.5 / 5)
    assert found.probabilities.below_50 == pytest.approx(3.5 / 5)
    assert (found.refusals, found.warnings) == ((), ())


def test_a_hard_video_has_a_wider_interval_and_less_certain_chances() -> None:
    usual = SIGNALS.hints(45.0).vector()
    easier = (usual - [0, 1, 0, 0]).astype(np.float32)
    # One standard deviation more of spread than usual doubles the expected error.
    hard = Difficulty(easier, np.ones(4, np.float32), np.full(4, np.log(2), np.float32))
    trust = replace(TRUST, difficulties={"stride:16": hard})
    found = judge(SIGNALS, 45.0, MODE, trust, precision="fp32")
    assert found.interval is not None
    bounds = (found.interval.low, found.interval.high)
    assert bounds == (pytest.approx(33.0, abs=1e-4), pytest.approx(57.0, abs=1e-4))
    assert found.probabilities is not None
    # Residuals of -20, -10, 0 and 10.
    assert found.probabilities.at_most_40 == pytest.approx(2.5 / 5)
    assert found.probabilities.below_50 == pytest.approx(3.5 / 5)
    fewer = judge(SIGNALS, 45.0, ClipMode("center"), trust, precision="fp32")
    assert fewer.interval == Interval(37.0, 53.0, 0.9, "phantoms")


def test_a_mode_that_was_not_measured_takes_that_of_fewer_clips_and_says_so() -> None:
    found = judge(SIGNALS, 45.0, ClipMode("stride", 32), TRUST, precision="fp32")
    assert found.interval == Interval(37.0, 53.0, 0.9, "phantoms")
    assert found.probabilities is not None
    assert found.probabilities.at_most_40 == pytest.approx(3.5 / 5)
    assert found.warnings == (
        "no interval was measured for --clips stride:32: it is the one of center, which averages "
        "fewer clips",
    )


def test_where_no_mode_of_fewer_clips_was_measured_there_is_no_interval() -> None:
    found = judge(SIGNALS, 45.0, ClipMode("one"), TRUST, precision="int8")
    assert (found.interval, found.probabilities, found.refusals) == (None, None, ())
    assert found.warnings == ("no interval was measured for --clips one or fewer clips",)


def test_another_precision_is_said() -> None:
    said = judge(SIGNALS, 45.0, MODE, TRUST, precision="int8")
    assert said.interval is not None
    assert said.warnings == ("the interval was measured with fp32, not with int8",)


def test_a_refused_ef_has_neither_interval_nor_chances() -> None:
    far = replace(SIGNALS, embedding=np.full(2, 2.1, np.float32), moves=0.0)
    found = judge(far, 45.0, MODE, TRUST, precision="fp32")
    assert [refusal.gate for refusal in found.refusals] == ["frozen", "far-embedding"]
    assert (found.interval, found.probabilities, found.warnings) == (None, None, ())
    unmeasured = judge(far, 45.0, ClipMode("one"), TRUST, precision="fp32")
    assert unmeasured.warnings == ("no interval was measured for --clips one or fewer clips",)


def test_how_far_a_video_lies_is_told_in_distances_of_the_farthest_calibration_video() -> None:
    far = replace(SIGNALS, embedding=np.full(2, 3, np.float32))
    (refusal,) = judge(far, 45.0, MODE, TRUST, precision="fp32").refusals
    assert "lies 1.50 times as far from the calibration videos as any of these" in refusal.reason


def test_without_calibration_videos_the_fixed_gates_alone_are_applied() -> None:
    far = replace(SIGNALS, embedding=np.full(2, 2.1, np.float32))
    found = judge(far, 45.0, MODE, None, precision="fp32")
    assert (found.interval, found.probabilities, found.refusals) == (None, None, ())
    (words,) = found.warnings
    assert words.startswith("this model has no measured uncertainty, so no interval is given")
    still = judge(replace(far, moves=0.0), 45.0, MODE, None, precision="fp32")
    assert [refusal.gate for refusal in still.refusals] == ["frozen"]


def test_what_was_calibrated_for_another_model_is_one_line() -> None:
    other = replace(SIGNALS, embedding=np.zeros(3, np.float32))
    with pytest.raises(ModelError, match="what was calibrated does not fit this model"):
        judge(other, 45.0, MODE, TRUST, precision="fp32")
