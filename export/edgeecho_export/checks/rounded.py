"""Running an FP16 ONNX file in PyTorch with every FP16 tensor rounded to FP16.

A CPU engine computes an FP16 file in wider arithmetic, so its answers show only the rounding of the
weights: an overflow that gives infinity on a device is a finite number there. Here each layer
computes in FP32, like the accumulators of a GPU, and its output is rounded to FP16.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

_Attributes = Mapping[str, Any]


@torch.inference_mode()
def run_rounded(
    path: Path, inputs: NDArray[np.float32], *, at_once: int = 1
) -> NDArray[np.float32]:
    """The first output for `inputs (n, ...)`, which are run `at_once` at a time."""
    graph = onnx.load(path).graph
    constants = {
        i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in graph.initializer
    }
    nodes = [
        (node, {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute})
        for node in graph.node
    ]
    found = []
    for first in range(0, len(inputs), at_once):
        some = torch.from_numpy(inputs[first : first + at_once])
        values = {**constants, graph.input[0].name: some}
        for node, attributes in nodes:
            # An input that is left out has no name.
            known = [values[name] for name in node.input if name]
            values[node.output[0]] = _run(node.op_type, known, attributes)
        found.append(values[graph.output[0].name])
    return torch.cat(found).numpy()


def _run(operator: str, inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    if operator == "Cast":
        return inputs[0].to(_CASTS[attributes["to"]])
    # The factors of a Resize are FP32 in every network.
    typed = inputs[:1] if operator == "Resize" else inputs
    kinds = {value.dtype for value in typed if value.is_floating_point()}
    if len(kinds) > 1:
        raise RuntimeError(f"{operator} mixes {kinds}: the network is not strongly typed")
    wide = [value.float() if value.is_floating_point() else value for value in inputs]
    return _OPERATORS[operator](wide, attributes).to(kinds.pop())


_CASTS = {onnx.TensorProto.FLOAT: torch.float32, onnx.TensorProto.FLOAT16: torch.float16}


def _convolution(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    pads = list(attributes["pads"])
    half = len(pads) // 2
    if pads[:half] != pads[half:] or attributes.get("auto_pad", b"NOTSET") != b"NOTSET":
        raise RuntimeError(f"a convolution of another network: {attributes}")
    x, weight, *rest = inputs
    convolve = {4: F.conv2d, 5: F.conv3d}[weight.ndim]
    return convolve(
        x,
        weight,
        rest[0] if rest else None,  # after a batch normalisation that adds nothing
        stride=list(attributes["strides"]),
        padding=pads[:half],
        dilation=list(attributes["dilations"]),
        groups=attributes.get("group", 1),
    )


def _linear(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    x, weight, bias = inputs
    return F.linear(x, weight if attributes.get("transB") else weight.T, bias)


def _mean(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    return inputs[0].mean(inputs[1].tolist(), keepdim=bool(attributes.get("keepdims", 1)))


def _reshape(inputs: list[Tensor], _: _Attributes) -> Tensor:
    x, shape = inputs
    # In ONNX a 0 keeps the dimension.
    return x.reshape([size or x.shape[i] for i, size in enumerate(shape.tolist())])


def _resize(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    x, factors = inputs
    sizes = [int(size * by) for size, by in zip(x.shape, factors.tolist(), strict=True)]
    how = [attributes.get(name) for name in ("mode", "coordinate_transformation_mode", "antialias")]
    if how != [b"linear", b"half_pixel", 0]:
        raise RuntimeError(f"a resizing of another network: {attributes}")
    return F.interpolate(x, sizes[2:], mode="bilinear", align_corners=False)


def _pool(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    pads = list(attributes["pads"])
    half = len(pads) // 2
    if pads[:half] != pads[half:] or attributes.get("ceil_mode", 0):
        raise RuntimeError(f"a pooling of another network: {attributes}")
    kernel, strides = list(attributes["kernel_shape"]), list(attributes["strides"])
    pooled: Tensor = F.max_pool2d(inputs[0], kernel, strides, pads[:half])
    return pooled


def _hard_sigmoid(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    alpha, beta = attributes.get("alpha", 0.2), attributes.get("beta", 0.5)
    return torch.clamp(inputs[0] * alpha + beta, 0, 1)


def _squeeze(inputs: list[Tensor], _: _Attributes) -> Tensor:
    return inputs[0].squeeze(inputs[1].tolist())


_OPERATORS: Mapping[str, Callable[[list[Tensor], _Attributes], Tensor]] = {
    "Conv": _convolution,
    "Relu": lambda inputs, _: inputs[0].relu(),
    "HardSwish": lambda inputs, _: F.hardswish(inputs[0]),
    "HardSigmoid": _hard_sigmoid,
    "Sigmoid": lambda inputs, _: inputs[0].sigmoid(),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "Mul": lambda inputs, _: inputs[0] * inputs[1],
    "Concat": lambda inputs, attributes: torch.cat(inputs, dim=attributes["axis"]),
    "MaxPool": _pool,
    "Resize": _resize,
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Gemm": _linear,
    "Squeeze": _squeeze,
}
