"""A network that also gives its inner tensors, so that calibration can look at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

STEM = "stem."
"""Prefix of the stem's weights in our ONNX files, as in PyTorch's state dict."""


def write_probe(fp32: Path, path: Path) -> None:
    """Write `fp32` with every float tensor that a node makes as an output, beside its own."""
    model = onnx.load(fp32)
    graph = model.graph
    known = {output.name for output in graph.output}
    made = {name for node in graph.node for name in node.output}
    graph.output.extend(
        value
        for value in graph.value_info
        if value.name in made - known and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    )
    lacking = made - {output.name for output in graph.output}
    if lacking:
        raise RuntimeError(f"tensors without a type: {sorted(lacking)}")
    onnx.save(model, path)


def largest_weights(fp32: Path) -> dict[str, float]:
    """max |value| of every weight and bias, by name."""
    return {
        i.name: float(np.abs(onnx.numpy_helper.to_array(i)).max(initial=0.0))
        for i in onnx.load(fp32).graph.initializer
        if i.data_type == onnx.TensorProto.FLOAT
    }


def quantized_inputs(fp32: Path) -> frozenset[str]:
    """Tensors that INT8 quantizes: the inputs of all convolutions but the stem's."""
    model = onnx.load(fp32)
    return frozenset(
        node.input[0]
        for node in model.graph.node
        if node.op_type == "Conv" and not node.input[1].startswith(STEM)
    )
