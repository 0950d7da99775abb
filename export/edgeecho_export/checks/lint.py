"""Q/DQ lint: whether every engine can take an INT8 graph as it is written.

TensorRT has its own rules for explicit QuantizeLinear (Q) and DequantizeLinear (DQ) and does not
report breaches of some: a Q/DQ pair between a convolution and its ReLU is legal but slow. Each
rule here has a name, so that an error says what to change. Sources: "Working with Quantized
Types" in NVIDIA's TensorRT documentation; for the FP32 scales NVIDIA/TensorRT #4832.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto

from edgeecho.common.errors import ModelError
from edgeecho_export.graph import head_convolutions, stem_convolutions

RULES = {
    "integer-operator": "quantized work is spelled as ONNX's own Q, DQ and a float operator",
    "int8-only": "Q and DQ are INT8",
    "zero-point": "every zero-point is 0: quantization is symmetric",
    "int32-bias": "a bias is FP32, not an INT32 behind a DQ",
    "scale-fp32": "scales are FP32",
    "scale-value": "scales are constants, finite and above 0",
    "weight-per-channel": "a convolution's weight has one scale for each output channel",
    "activation-per-tensor": "an activation has one scale",
    "activation-missing": "where a weight is quantized, so is the activation it meets",
    "conv-relu": "no Q/DQ between a convolution (and its sum) and the ReLU",
    "float-stem": "the stem's convolutions are float",
    "float-head": "pooling, what is computed of it, and head are float",
    "nothing-quantized": "an INT8 graph has quantized convolutions",
}
"""Rules by name, each worded as what holds in a good graph."""

_Q, _DQ = "QuantizeLinear", "DequantizeLinear"
_INTEGER = {
    "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
}  # fmt: skip
_HEAD = {"Gemm", "MatMul", "ReduceMean", "GlobalAveragePool"}


@dataclass(frozen=True)
class LintFinding:
    """One place where a rule does not hold."""

    rule: str
    node: str
    detail: str


def lint_qdq(model: onnx.ModelProto) -> tuple[LintFinding, ...]:
    """All breaches of `RULES` in an INT8 graph, in the order of its nodes."""
    graph = _Graph(model)
    found: list[LintFinding] = []
    for node in model.graph.node:
        if node.domain not in ("", "ai.onnx") or node.op_type in _INTEGER:
            operator = f"{node.domain}.{node.op_type}".lstrip(".")
            found.append(LintFinding("integer-operator", node.name, operator))
        elif node.op_type in (_Q, _DQ):
            found += (LintFinding(rule, node.name, detail) for rule, detail in _pair(node, graph))
        elif node.op_type == "Conv":
            found += (LintFinding(rule, node.name, detail) for rule, detail in _conv(node, graph))
        else:
            found += (LintFinding(rule, node.name, detail) for rule, detail in _rest(node, graph))
    convolutions = (node for node in model.graph.node if node.op_type == "Conv")
    if not found and not any(graph.weight_dq(node) for node in convolutions):
        found.append(LintFinding("nothing-quantized", model.graph.name, "no convolution is"))
    return tuple(found)


def check_qdq(model: onnx.ModelProto, name: str) -> None:
    """`ModelError` if a rule is broken, with the rules' names; `name` is the file's."""
    found = lint_qdq(model)
    if not found:
        return
    counts = Counter(finding.rule for finding in found)
    rules = "; ".join(f"{rule} ({RULES[rule]}) at {n} places" for rule, n in counts.items())
    raise ModelError(
        f"{name} is no INT8 graph for TensorRT: {rules}; the first is {found[0].node or 'unnamed'} "
        f"({found[0].detail}): export it again with `edgeecho export --int8`"
    )


class _Graph:
    """Lookup of a graph's constants and of the node that makes a tensor."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.made = {name: node for node in model.graph.node for name in node.output}
        self.constants = {tensor.name: tensor for tensor in model.graph.initializer}
        for node in model.graph.node:
            for attribute in node.attribute:
                if node.op_type == "Constant" and attribute.name == "value":
                    self.constants[node.output[0]] = attribute.t
        self.stem, self.head = stem_convolutions(model), head_convolutions(model)

    def dq(self, tensor: str) -> onnx.NodeProto | None:
        """The DQ that makes `tensor`, if one does."""
        node = self.made.get(tensor)
        return node if node is not None and node.op_type == _DQ else None

    def weight_dq(self, conv: onnx.NodeProto) -> onnx.NodeProto | None:
        return self.dq(conv.input[1])

    def kind(self, node: onnx.NodeProto) -> int:
        """Quantized element type of a Q or DQ; ONNX's default for Q is UINT8."""
        if len(node.input) > 2 and node.input[2] in self.constants:
            return int(self.constants[node.input[2]].data_type)
        if node.op_type == _DQ:
            if node.input[0] in self.constants:
                return int(self.constants[node.input[0]].data_type)
            source = self.made.get(node.input[0])
            if source is not None and source.op_type == _Q:
                return self.kind(source)
        return int(TensorProto.UINT8)


def _pair(node: onnx.NodeProto, graph: _Graph) -> Iterator[tuple[str, str]]:
    kind = graph.kind(node)
    if kind == TensorProto.INT32:
        yield "int32-bias", f"DQ of {node.input[0]}"
    elif kind != TensorProto.INT8:
        yield "int8-only", f"{node.op_type} is {TensorProto.DataType.Name(kind)}"
    if len(node.input) > 2 and node.input[2]:
        zero = graph.constants.get(node.input[2])
        if zero is None or np.any(onnx.numpy_helper.to_array(zero) != 0):
            yield "zero-point", f"{node.input[2]} is not 0"
    scale = graph.constants.get(node.input[1])
    if scale is None:
        yield "scale-value", f"{node.input[1]} is computed, not a constant"
        return
    if scale.data_type != TensorProto.FLOAT:
        yield "scale-fp32", f"{scale.name} is {TensorProto.DataType.Name(scale.data_type)}"
    values = onnx.numpy_helper.to_array(scale).astype(np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        yield "scale-value", f"{scale.name} has {values.min():g} to {values.max():g}"
    if values.size != 1 and (node.op_type == _Q or node.input[0] not in graph.constants):
        yield "activation-per-tensor", f"{scale.name} has {values.size} values"


def _conv(node: onnx.NodeProto, graph: _Graph) -> Iterator[tuple[str, str]]:
    weight, activation = graph.weight_dq(node), graph.dq(node.input[0])
    if node.output[0] in graph.stem:
        if weight or activation:
            yield "float-stem", f"input {node.input[0]}, weight {node.input[1]}"
        return
    if node.output[0] in graph.head and weight:
        yield "float-head", f"weight {node.input[1]}"
    if weight is None:
        return
    if activation is None:
        yield "activation-missing", f"{node.input[0]} is float"
    values, scale = graph.constants.get(weight.input[0]), graph.constants.get(weight.input[1])
    if values is None or scale is None:
        return
    axis = next((a.i for a in weight.attribute if a.name == "axis"), 1)
    if list(scale.dims) != [values.dims[0]] or axis % len(values.dims) != 0:
        yield "weight-per-channel", f"{scale.name} {list(scale.dims)} on axis {axis}"


def _rest(node: onnx.NodeProto, graph: _Graph) -> Iterator[tuple[str, str]]:
    dequantized = [name for name in node.input if graph.dq(name)]
    if dequantized and node.op_type == "Relu":
        yield "conv-relu", f"{node.op_type} reads {dequantized[0]}"
    if dequantized and node.op_type in _HEAD:
        yield "float-head", f"{node.op_type} reads {dequantized[0]}"
