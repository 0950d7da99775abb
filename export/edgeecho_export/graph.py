"""What all our ONNX files have in common, and how to find places in their graphs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from edgeecho.bundle.manifest import METADATA_KEY

# onnxruntime's static INT8 takes no opset above 20, and TensorRT 10.3 supports all of this one.
OPSET = 18
INPUT = "clip"
OUTPUTS = ("ef", "embedding")
STEM = "stem."
"""Prefix of the stem's weights, as in PyTorch's state dict."""


def set_precision(model: onnx.ModelProto, precision: str) -> None:
    """Store a converted model's precision in metadata_props, without the converter's entries."""
    (facts,) = (json.loads(p.value) for p in model.metadata_props if p.key == METADATA_KEY)
    save_facts(model, {**facts, "precision": precision})


def save_facts(model: onnx.ModelProto, facts: Mapping[str, Any]) -> None:
    """Store what the file must say of itself, and nothing else, in metadata_props."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})


def check_dynamic_batch(model: onnx.ModelProto) -> None:
    """Check what engines rely on; a failure is a bug, not a user's error."""
    check_batch(model, {INPUT: 5, "ef": 1, "embedding": 2})


def check_batch(model: onnx.ModelProto, ranks: Mapping[str, int]) -> None:
    """Check a graph's input and outputs, in that order, with their number of dimensions."""
    onnx.checker.check_model(model, full_check=True)
    values = {value.name: value.type.tensor_type for value in model.graph.input}
    values |= {value.name: value.type.tensor_type for value in model.graph.output}
    if tuple(values) != tuple(ranks):
        raise RuntimeError(f"expected {', '.join(ranks)}, got {', '.join(values)}")
    for name, rank in ranks.items():
        dimensions = values[name].shape.dim
        if [d.HasField("dim_param") for d in dimensions] != [True, *[False] * (rank - 1)]:
            raise RuntimeError(f"only the batch of {name} may be dynamic, got {dimensions}")
    if {kind.elem_type for kind in values.values()} != {onnx.TensorProto.FLOAT}:
        raise RuntimeError("input and outputs must be FP32")
    if len({kind.shape.dim[0].dim_param for kind in values.values()}) != 1:
        raise RuntimeError("input and outputs must have one batch")


def head_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The nodes from the pooling to the outputs, in order."""
    nodes = list(model.graph.node)
    places = [i for i, node in enumerate(nodes) if node.op_type == "ReduceMean"]
    if len(places) != 1:
        raise RuntimeError(f"expected one pooling, got {len(places)}")
    return nodes[places[0] :]


def quantized_inputs(fp32: Path) -> frozenset[str]:
    """Tensors that INT8 quantizes: the inputs of all convolutions outside the stem."""
    model = onnx.load(fp32)
    return frozenset(
        node.input[0]
        for node in model.graph.node
        if node.op_type == "Conv" and not node.input[1].startswith(STEM)
    )
