from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from edgeecho_calibration.ranges import collect_ranges

SHAPE = ["batch", 3, 2, 4, 4]


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    """`double = 2 * clip` and `positive = relu(double)`, both given out."""
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["clip", "clip"], ["double"]),
            helper.make_node("Relu", ["double"], ["positive"]),
        ],
        "probe",
        [helper.make_tensor_value_info("clip", TensorProto.FLOAT, SHAPE)],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE)
            for name in ("positive", "double")
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, tmp_path / "probe.onnx")
    return tmp_path / "probe.onnx"


def clip(value: float) -> np.ndarray:
    return np.full((1, 3, 2, 4, 4), value, np.float32)


def test_the_largest_of_all_clips_is_kept_with_its_sign_taken_away(probe: Path) -> None:
    found = collect_ranges(probe, [clip(1), clip(-7), clip(2)], ["positive"])
    assert found.largest == {"clip": 7, "double": 14, "positive": 4}
    assert found.clips == 3
    histogram = found.histograms["positive"]
    assert histogram.counts.sum() == 3 * 96
    assert histogram.counts[0] == 96, "the zeros of the negative clip"
    assert set(found.histograms) == {"positive"}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_not_lost(probe: Path, bad: float) -> None:
    spoiled = clip(1)
    spoiled[0, 0, 0, 0, 0] = bad
    found = collect_ranges(probe, [clip(1), spoiled, clip(2)])
    assert not np.isfinite(found.largest["double"])


def test_clips_are_drawn_and_let_go_one_at_a_time(probe: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def draw() -> Iterator[np.ndarray]:
        nonlocal most
        for value in range(20):
            most = max(most, sum(ref() is not None for ref in alive))
            drawn = clip(value)
            alive.append(weakref.ref(drawn))
            yield drawn
            del drawn

    assert collect_ranges(probe, draw(), ["double"]).clips == 20
    assert most <= 1


def test_no_clips_give_no_ranges(probe: Path) -> None:
    with pytest.raises(ValueError, match="no clips"):
        collect_ranges(probe, [])
