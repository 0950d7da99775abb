"""Padding the channels between the two factors of each (2+1)D convolution with zeros.

torchvision's counts (45, 230, 460, 921) keep the parameters of a 3-D convolution and are no
multiples of 8, which GPUs take in one piece: TensorRT-RTX needs three layers less for the padded
network. No answer changes: a filter of zeros gives 0, the ReLU keeps it, and it meets weights of 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import NodeProto, numpy_helper

PAD = 8
"""Measured without a GPU only: docs/precision.md."""


def pad_channels(model: onnx.ModelProto, multiple: int) -> None:
    """Extend the factors in a plain FP32 graph, so that `multiple` divides the channels between.

    It comes first: FP16, INT8 and shared graphs are made of the padded one.
    """
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    shapes = {value.name: value.type.tensor_type.shape.dim for value in model.graph.value_info}
    for space, relu, time in _pairs(model):
        weight, bias = space.input[1:]
        count = tensors[weight].dims[0]
        more = -count % multiple
        if not more:  # written again, a tensor's bytes differ
            continue
        for name, axis in ((weight, 0), (bias, 0), (time.input[1], 1)):
            value = numpy_helper.to_array(tensors[name])
            widths = [(0, more if i == axis else 0) for i in range(value.ndim)]
            tensors[name].CopyFrom(numpy_helper.from_array(np.pad(value, widths), name))
            if name in shapes:
                shapes[name][axis].dim_value = count + more
        for name in (*space.output, *relu.output):
            shapes[name][1].dim_value = count + more


def _pairs(model: onnx.ModelProto) -> Iterator[tuple[NodeProto, NodeProto, NodeProto]]:
    """Each convolution over space with its ReLU and the convolution over time behind it."""
    graph = model.graph
    made = {name: node for node in graph.node for name in node.output}
    read = [name for node in graph.node for name in node.input] + [o.name for o in graph.output]
    for time in graph.node:
        if time.op_type != "Conv" or _kernel(time) != [3, 1, 1]:
            continue
        relu = made[time.input[0]]
        space = made[relu.input[0]]
        alone = read.count(relu.output[0]) == read.count(relu.input[0]) == 1
        if (relu.op_type, space.op_type, _kernel(space)[:1], alone) != ("Relu", "Conv", [1], True):
            raise RuntimeError(f"{time.input[1]} does not follow a convolution over space alone")
        yield space, relu, time


def _kernel(node: NodeProto) -> list[int]:
    return next((list(a.ints) for a in node.attribute if a.name == "kernel_shape"), [])
