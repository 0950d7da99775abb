"""Checking whether FP16 can hold every tensor of the network."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx

from edgeecho.bundle import RangeCheck
from edgeecho.common.errors import VerificationError
from edgeecho_calibration.ranges import Ranges
from edgeecho_export.graph import head_nodes

RANGE_LIMIT = 65504 / 4
"""A quarter of FP16's largest number, since patients differ from the few clips that were run."""


def check_range(fp32: Path, ranges: Ranges, source: str) -> RangeCheck:
    """Check the range of values; `VerificationError` if one exceeds `RANGE_LIMIT`."""
    model = onnx.load(fp32)
    values = {**ranges.largest, **_largest_weights(model)}
    kept = _kept_in_fp32(model)
    # In the graph's order, so that of two tensors with the same maximum the first is named.
    values = {name: value for name, value in values.items() if name not in kept}
    # NaN counts as the largest.
    tensor = max(values, key=lambda name: math.inf if math.isnan(values[name]) else values[name])
    if not values[tensor] <= RANGE_LIMIT:
        name = fp32.name.replace("fp32", "fp16")
        raise VerificationError(
            f"{name} (range) cannot hold {tensor}, which reaches {values[tensor]:.4g} in FP32; "
            "a quarter of FP16's 65504 is allowed: no bundle was written; leave --fp16 out"
        )
    return RangeCheck(len(values), ranges.clips, source, tensor, values[tensor], RANGE_LIMIT)


def _largest_weights(model: onnx.ModelProto) -> dict[str, float]:
    """max |value| of every weight and bias, by name."""
    return {
        i.name: float(np.abs(onnx.numpy_helper.to_array(i)).max(initial=0.0))
        for i in model.graph.initializer
        if i.data_type == onnx.TensorProto.FLOAT
    }


def _kept_in_fp32(model: onnx.ModelProto) -> set[str]:
    """Names of the tensors that stay in FP32: the head's outputs and weights."""
    head = head_nodes(model)
    weights = {i.name for i in model.graph.initializer}
    made = {name for node in head for name in node.output}
    return made | {name for node in head for name in node.input if name in weights}
