"""Returning single convolutions of an INT8 graph to float.

The sensitivity analysis and export use the same function, so that what was analysed is what is
published.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import onnx

from edgeecho.common.errors import InputError

_Q, _DQ = "QuantizeLinear", "DequantizeLinear"
_QUANTIZED = "_quantized"
"""Suffix that onnxruntime's quantizer adds to a weight's name."""


def quantized_layers(int8: onnx.ModelProto) -> tuple[str, ...]:
    """Names of the quantized convolutions, such as `layer1.0.conv1.0.0`, in graph order."""
    return tuple(name for _, name in _quantized(int8.graph))


def return_to_float(
    int8: onnx.ModelProto, fp32: onnx.ModelProto, layers: Collection[str]
) -> onnx.ModelProto:
    """A copy of `int8` in which `layers` have the weights of `fp32` and float activations.

    An activation that no quantized convolution reads any more becomes float for its other readers
    too (the residual sum). `InputError` if a layer is not a quantized convolution of `int8`.
    """
    if unknown := sorted(set(layers) - set(quantized_layers(int8))):
        raise InputError(
            f"{unknown[0]} is no quantized convolution of this network, it cannot return to float: "
            "make the analysis again with `edgeecho calibrate sensitivity`"
        )
    model = onnx.ModelProto()
    model.CopyFrom(int8)
    graph = model.graph
    made = {output: node for node in graph.node for output in node.output}
    weights = {tensor.name: tensor for tensor in fp32.graph.initializer}
    for node, name in list(_quantized(graph)):
        if name in layers:
            weight = f"{name}.weight"
            graph.initializer.append(weights[weight])
            node.input[1] = weight
            node.input[0] = _before_pair(made, node.input[0])
    still_read = {node.input[0] for node, _ in _quantized(graph)}
    for node in graph.node:
        if node.op_type in (_Q, _DQ):
            continue
        for place, tensor in enumerate(node.input):
            maker = made.get(tensor)
            activation = maker is not None and maker.op_type == _DQ and maker.input[0] in made
            if activation and tensor not in still_read:
                node.input[place] = _before_pair(made, tensor)
    _drop_unread(graph)
    return model


def _quantized(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, str]]:
    made = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        maker = made.get(node.input[1]) if node.op_type == "Conv" else None
        if maker is not None and maker.op_type == _DQ:
            yield node, maker.input[0].removesuffix(_QUANTIZED).removesuffix(".weight")


def _before_pair(made: dict[str, onnx.NodeProto], tensor: str) -> str:
    return str(made[made[tensor].input[0]].input[0])


def _drop_unread(graph: onnx.GraphProto) -> None:
    """Remove the Q/DQ pairs and the constants that nothing reads any more."""
    wanted = {output.name for output in graph.output}
    kept = []
    for node in reversed(graph.node):  # the graph is sorted, so in reverse readers come first
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(node.input)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in reversed(kept)]
    del graph.node[:]
    graph.node.extend(nodes)
    made = {output for node in nodes for output in node.output}
    for items, names in ((graph.initializer, wanted), (graph.value_info, made)):
        left = [item for item in items if item.name in names]
        copies = [type(item).FromString(item.SerializeToString()) for item in left]
        del items[:]
        items.extend(copies)
