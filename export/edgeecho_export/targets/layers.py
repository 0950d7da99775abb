"""What TensorRT made of the convolutions, read from a build's log or an engine's inspector.

An inspector needs a GPU. Without one, the log of a build with detailed profiling names every
layer, its data types and the ONNX nodes that it includes. An example from TensorRT-RTX 1.7:

    Name: node_Conv_501_myl0_5, LayerType: correlation, Inputs: [ { Name: ..., Datatype: Int8,
    Format: ... }], Constants: [...], Outputs: [...], ..., Metadata: [ONNX Layer: node_Conv_501]...

The inspector's JSON differs between versions of TensorRT (10.x: "Format/Datatype": "Half" or
"Row major linear FP16 format"; 11.x: "DataType": "Half") and may have many nodes in one layer, or
only names. What it does not state is missing in the report.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import TensorProto

_LAYER = re.compile(
    r"^Name: (?P<name>.*?), LayerType: (?P<type>\w+), Inputs: \[(?P<inputs>.*?)\], Constants: \[.*"
    r"\], Outputs: \[(?P<outputs>.*?)\], TacticName: .*Metadata: (?P<onnx>.*)$"
)
_DATATYPE = re.compile(r"Datatype: (\w+)")
_ONNX_LAYER = re.compile(r"\[ONNX Layer: ([^\]]*)\]")
_MEMORY = re.compile(r"Total Activation Memory: (\d+) bytes")
_MERGED = re.compile(r"__myl_([A-Za-z]+)_")
"""The name of a layer that TensorRT-RTX made of several steps, such as `__myl_ReplConc_myl0_3`."""
_MOVES = frozenset(["cast", "conc", "copy", "move", "refo", "repl", "resh", "shuf", "slic", "tran"])
"""Beginnings of the words for steps that compute nothing: casts, copies, reformats, shuffles."""
_CONVOLUTIONS = ("correlation", "conv")
"""Layer types: TensorRT-RTX's, and part of TensorRT's."""
_INSPECTED = {"int8": "Int8", "half": "Half", "fp16": "Half", "float": "Float", "fp32": "Float"}
"""Words in a tensor's description, in lower case, and our name for each type."""
_TYPES = {TensorProto.FLOAT: "Float", TensorProto.FLOAT16: "Half"}


@dataclass(frozen=True)
class Convolution:
    """One convolution of the network as it was built."""

    name: str
    """Name of its weight without the ending: `layer1.0.conv1.0.0`."""
    input: str
    """`Float`, `Half` or `Int8`."""
    output: str


@dataclass(frozen=True)
class LayerReport:
    """What a build made of the network."""

    layers: int
    convolutions: tuple[Convolution, ...]
    """In execution order."""
    moving: int = 0
    """Layers that only move or convert data, as far as their names or types say so."""
    activation_bytes: int | None = None
    """Memory of all tensors between layers at the largest batch; None: not told."""

    def inputs(self) -> Counter[str]:
        """Number of convolutions by input type."""
        return Counter(c.input for c in self.convolutions)

    def to_dict(self) -> dict[str, Any]:
        """For the sidecar: the counts, and the names of the convolutions by input type."""
        return {
            "count": self.layers,
            "moving": self.moving,
            "activation_bytes": self.activation_bytes,
            "convolutions": {
                kind: [c.name for c in self.convolutions if c.input == kind]
                for kind in sorted(self.inputs())
            },
        }


def read_layers(log: Iterable[str], model: onnx.ModelProto) -> LayerReport:
    """The layers of `model` in the lines of a build log; empty if the log has none."""
    names = {node.name: name for node, name, _ in _convolutions(model)}
    count, moving, found = 0, 0, []
    memory = None
    for line in log:
        if told := _MEMORY.search(line):
            memory = int(told[1])
        layer = _LAYER.match(line)
        if layer is None:
            continue
        count += 1
        moving += _only_moves(layer["name"], layer["type"])
        if not _convolves(layer["name"], layer["type"]):
            continue
        inputs, outputs = (_DATATYPE.findall(layer[side]) for side in ("inputs", "outputs"))
        found += [
            Convolution(names[node], inputs[0], outputs[0])
            for node in _ONNX_LAYER.findall(layer["onnx"])
            if node in names and inputs and outputs
        ]
    return LayerReport(count, tuple(found), moving, memory)


def parse_inspected(text: str) -> Any:
    """The JSON of an engine's inspector, or the text itself if it is not valid JSON."""
    try:
        # A control character separates the names of ONNX layers.
        return json.loads(text, strict=False)
    except ValueError:
        return text


def read_inspected(inspected: Any, model: onnx.ModelProto) -> LayerReport:
    """The layers in the output of `parse_inspected`, as far as it states them."""
    names = {node.name: name for node, name, _ in _convolutions(model)}
    layers = inspected.get("Layers", []) if isinstance(inspected, dict) else []
    found, moving = [], 0
    for layer in layers:
        # Without details a layer is only its name.
        if not isinstance(layer, dict):
            continue
        moving += _only_moves(str(layer.get("Name")), str(layer.get("LayerType")))
        kind = f"{layer.get('LayerType')} {layer.get('ParameterType')}".lower()
        inputs, outputs = (_datatypes(layer.get(side, ())) for side in ("Inputs", "Outputs"))
        if inputs and outputs and any(word in kind for word in _CONVOLUTIONS):
            found += [
                Convolution(names[node], inputs[0], outputs[0])
                for node in _ONNX_LAYER.findall(str(layer.get("Metadata")))
                if node in names
            ]
    return LayerReport(len(layers), tuple(found), moving)


def _convolves(name: str, kind: str) -> bool:
    # TensorRT-RTX fuses a convolution with a hard swish: `__myl_CorrMulAddMinMaxMul_myl0_38`.
    merged = _MERGED.match(name)
    fused = merged is not None and "Corr" in re.findall("[A-Z][a-z]+", merged[1])
    return fused or any(word in kind.lower() for word in _CONVOLUTIONS)


def _only_moves(name: str, kind: str) -> bool:
    merged = _MERGED.match(name)
    steps = re.findall("[A-Z][a-z]+", merged[1] if merged else kind)
    return bool(steps) and all(step[:4].lower() in _MOVES for step in steps)


def _datatypes(tensors: Iterable[Mapping[str, Any]]) -> list[str]:
    words = [
        str(value).lower()
        for tensor in tensors
        for key, value in tensor.items()
        if key.lower().endswith("datatype")
    ]
    return [name for word in words for part, name in _INSPECTED.items() if part in word]


def expected_inputs(model: onnx.ModelProto) -> dict[str, str]:
    """The input type that the ONNX file asks for, by convolution: Int8 after Q/DQ, else its own."""
    return {name: kind for _, name, kind in _convolutions(model)}


def _convolutions(model: onnx.ModelProto) -> Iterable[tuple[onnx.NodeProto, str, str]]:
    made = {name: node for node in model.graph.node for name in node.output}
    kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        weight, source = node.input[1], made.get(node.input[1])
        quantized = source is not None and source.op_type == "DequantizeLinear"
        if source is not None and quantized:
            weight = source.input[0].removesuffix("_quantized")
        kind = "Int8" if quantized else _TYPES.get(kinds.get(weight, 0), "unknown")
        yield node, weight.removesuffix(".weight"), kind
