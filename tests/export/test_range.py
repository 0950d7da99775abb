"""Which tensor has the largest value, and from where on FP16 cannot hold it: on a made-up graph."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgeecho.common.errors import VerificationError
from edgeecho_calibration.ranges import Ranges
from edgeecho_export.checks.range import RANGE_LIMIT, check_range


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A body of one sum, and a head that FP16 leaves in FP32, with a weight of 10^6."""
    values = {
        "w": np.array([[2.0, -30.0]], np.float32),
        "many": np.array([10**9], np.int64),
        "fc.weight": np.full((2, 1), 1e6, np.float32),
        "fc.bias": np.zeros(1, np.float32),
    }
    nodes = [
        helper.make_node("Add", ["clip", "w"], ["sum"], "sum"),
        helper.make_node("ReduceMean", ["sum"], ["pooled"], "pooling"),
        helper.make_node("Gemm", ["pooled", "fc.weight", "fc.bias"], ["ef"], "head"),
    ]
    clip, ef = (
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, d])
        for n, d in (("clip", 2), ("ef", 1))
    )
    weights = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "g", [clip], [ef], weights)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]),
        tmp_path / "fp32.onnx",
    )
    return tmp_path / "fp32.onnx"


def ranges(**largest: float) -> Ranges:
    return Ranges({"clip": 5.0, "sum": 35.0, "pooled": 1e8, "ef": 1e7, **largest}, {}, clips=3)


def test_the_largest_of_the_body_is_named_and_the_head_does_not_count(file: Path) -> None:
    found = check_range(file, ranges(), "calibration set")
    assert (found.tensor, found.largest, found.tensors) == ("sum", 35, 3)
    assert (found.clips, found.source, found.limit) == (3, "calibration set", 16376)
    weight = check_range(file, ranges(sum=29.0), "")
    assert (weight.tensor, weight.largest) == ("w", 30)
    # Of two that are equal the first in the graph's order.
    assert check_range(file, ranges(clip=30.0, sum=30.0), "").tensor == "clip"


def test_a_quarter_of_fp16s_largest_number_is_allowed_and_no_more(file: Path) -> None:
    assert RANGE_LIMIT == 16376
    assert check_range(file, ranges(sum=16376.0), "").largest == 16376
    for value in (16376.1, math.inf, math.nan):
        with pytest.raises(VerificationError, match=r"fp16\.onnx \(range\) cannot hold sum, which"):
            check_range(file, ranges(sum=value), "")
    with pytest.raises(VerificationError, match="cannot hold clip"):
        check_range(file, ranges(clip=math.nan, sum=1e5), "")
