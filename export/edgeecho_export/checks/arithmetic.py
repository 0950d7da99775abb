"""Running an FP16 ONNX file in PyTorch with every FP16 tensor rounded to FP16.

A CPU engine computes an FP16 file in wider arithmetic, so its EF shows only the rounding of the
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

from edgeecho.bundle import Verification
from edgeecho.tools.verify import Drift
from edgeecho_export.checks.parity import DriftCheck

_Attributes = Mapping[str, Any]


def verify_arithmetic(fp16: Path, drift_check: DriftCheck) -> Verification:
    """Check the drift of FP16 arithmetic; `VerificationError` if it misses a limit."""
    reference_inputs = drift_check.reference_inputs
    drift = Drift.of(
        rounded_efs(fp16, reference_inputs.clips),
        reference_inputs.expected,
        reference_inputs.labels,
    )
    what = f"{fp16.name} (arithmetic, every layer rounded)"
    drift_check.admit(what, drift, "this network needs more than FP16 holds, leave --fp16 out")
    return drift_check.record(drift, "pytorch", torch.__version__, (1,), "arithmetic")


@torch.inference_mode()
def rounded_efs(path: Path, clips: NDArray[np.float32]) -> NDArray[np.float32]:
    """EF `(n,)` in % of `clips (n, 3, T, S, S)`, one clip at a time."""
    graph = onnx.load(path).graph
    constants = {
        i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in graph.initializer
    }
    nodes = [
        (node, {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute})
        for node in graph.node
    ]
    efs = []
    for clip in clips:
        values = {**constants, "clip": torch.from_numpy(clip[None])}
        for node, attributes in nodes:
            inputs = [values[name] for name in node.input]
            values[node.output[0]] = _run(node.op_type, inputs, attributes)
        efs.append(values["ef"])
    return torch.cat(efs).numpy()


def _run(operator: str, inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    if operator == "Cast":
        return inputs[0].to(_CASTS[attributes["to"]])
    kinds = {value.dtype for value in inputs if value.is_floating_point()}
    if len(kinds) != 1:
        raise RuntimeError(f"{operator} mixes {kinds}: the network is not strongly typed")
    wide = [value.float() if value.is_floating_point() else value for value in inputs]
    return _OPERATORS[operator](wide, attributes).to(kinds.pop())


_CASTS = {onnx.TensorProto.FLOAT: torch.float32, onnx.TensorProto.FLOAT16: torch.float16}


def _convolution(inputs: list[Tensor], attributes: _Attributes) -> Tensor:
    pads = list(attributes["pads"])
    half = len(pads) // 2
    if pads[:half] != pads[half:] or attributes.get("group", 1) != 1:
        raise RuntimeError(f"a convolution of another network: {attributes}")
    x, weight, *rest = inputs
    return F.conv3d(
        x,
        weight,
        rest[0] if rest else None,  # after a batch normalisation that adds nothing
        stride=list(attributes["strides"]),
        padding=pads[:half],
        dilation=list(attributes["dilations"]),
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


def _squeeze(inputs: list[Tensor], _: _Attributes) -> Tensor:
    return inputs[0].squeeze(inputs[1].tolist())


_OPERATORS: Mapping[str, Callable[[list[Tensor], _Attributes], Tensor]] = {
    "Conv": _convolution,
    "Relu": lambda inputs, _: inputs[0].relu(),
    "Add": lambda inputs, _: inputs[0] + inputs[1],
    "ReduceMean": _mean,
    "Reshape": _reshape,
    "Gemm": _linear,
    "Squeeze": _squeeze,
}
