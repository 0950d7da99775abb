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
FRAME, LOGITS = "frame", "logits"
"""Input and output of a segmentation."""
STEM = "stem."
"""Prefix of the weights of the EF network's stem, as in PyTorch's state dict."""
_STEM_CONVOLUTIONS = 2
POOLINGS = ("ReduceMean", "GlobalAveragePool")


def set_precision(model: onnx.ModelProto, precision: str) -> None:
    """Store a converted model's precision in metadata_props, without the converter's entries."""
    (facts,) = (json.loads(p.value) for p in model.metadata_props if p.key == METADATA_KEY)
    save_facts(model, {**facts, "precision": precision})


def save_facts(model: onnx.ModelProto, facts: Mapping[str, Any]) -> None:
    """Store what the file must say of itself, and nothing else, in metadata_props."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {METADATA_KEY: json.dumps(facts)})


def check_graph(model: onnx.ModelProto) -> None:
    """Check what engines rely on; a failure is a bug, not a user's error."""
    # Input and outputs, in that order, with their number of dimensions.
    ranks = {INPUT: 5, "ef": 1, "embedding": 2}
    if is_segmentation(model):
        ranks = {FRAME: 4, LOGITS: 3}
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
    if any(node.op_type == "Shape" for node in model.graph.node):
        # ONNX Runtime computes shapes on the CPU, and its session on a GPU then refuses the graph.
        raise RuntimeError("a shape is computed in every run")
    if len({kind.shape.dim[0].dim_param for kind in values.values()}) != 1:
        raise RuntimeError("input and outputs must have one batch")


def drop_unused(model: onnx.ModelProto) -> None:
    """Remove nodes and constants that nothing reads any more."""
    graph = model.graph
    while True:
        read = {name for node in graph.node for name in node.input}
        read |= {output.name for output in graph.output}
        unused = [node for node in graph.node if read.isdisjoint(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
    kept = [constant for constant in graph.initializer if constant.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def is_segmentation(model: onnx.ModelProto) -> bool:
    """Whether it gives masks of frames, and not the EF of a clip."""
    return bool(model.graph.input[0].name == FRAME)


def head_nodes(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The last nodes, in order, which FP16 leaves in FP32: from the EF network's pooling on.

    A segmentation has none: rounding its logits moves no outline, see `PRECISIONS`.
    """
    if is_segmentation(model):
        return []
    nodes = list(model.graph.node)
    places = [i for i, node in enumerate(nodes) if node.op_type == "ReduceMean"]
    if len(places) != 1:
        raise RuntimeError(f"expected one pooling, got {len(places)}")
    return nodes[places[0] :]


def quantized_inputs(fp32: Path) -> frozenset[str]:
    """Tensors that INT8 quantizes: the inputs of all convolutions but those that stay in float."""
    model = onnx.load(fp32)
    floating = stem_convolutions(model) | head_convolutions(model)
    return frozenset(
        node.input[0]
        for node in model.graph.node
        if node.op_type == "Conv" and node.output[0] not in floating
    )


def stem_convolutions(model: onnx.ModelProto) -> frozenset[str]:
    """Outputs of the first convolutions, which INT8 leaves in float: they see the video itself.

    Of a segmentation it is all that has a quarter of the frame's resolution or more: that is where
    the outline comes from, and where rounding hurts most (docs/precision.md).
    """
    made = [node.output[0] for node in model.graph.node if node.op_type == "Conv"]
    if not is_segmentation(model):
        return frozenset(made[:_STEM_CONVOLUTIONS])
    known = onnx.shape_inference.infer_shapes(model).graph
    shapes = {v.name: v.type.tensor_type.shape.dim for v in (*known.value_info, *known.output)}
    size = known.input[0].type.tensor_type.shape.dim[2].dim_value
    return frozenset(name for name in made if 4 * shapes[name][2].dim_value >= size)


def head_convolutions(model: onnx.ModelProto) -> frozenset[str]:
    """Outputs of the convolutions that INT8 leaves in float at and beside a network's end.

    Those of a pooled frame (squeeze and excitation) have one value a channel: they cost nothing,
    and their rounding changes whole channels. Those with one output channel give the logits.
    """
    weights = {tensor.name: tensor.dims for tensor in model.graph.initializer}
    made = {name: node for node in model.graph.node for name in node.output}
    pooled: set[str] = set()
    found = set()
    for node in model.graph.node:
        if node.op_type in POOLINGS or (node.op_type == "Relu" and node.input[0] in pooled):
            pooled.add(node.output[0])
        if node.op_type != "Conv":
            continue
        source, weight = (_before_pairs(name, made) for name in node.input[:2])
        if source in pooled:
            pooled.add(node.output[0])
        if source in pooled or list(weights.get(weight, ()))[:1] == [1]:
            found.add(node.output[0])
    return frozenset(found)


def _before_pairs(name: str, made: Mapping[str, onnx.NodeProto]) -> str:
    """The tensor that a QuantizeLinear and a DequantizeLinear make `name` of, if they do."""
    while name in made and made[name].op_type in ("QuantizeLinear", "DequantizeLinear"):
        name = made[name].input[0]
    return name
