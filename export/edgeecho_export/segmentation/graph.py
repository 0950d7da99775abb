"""A segmentation network of torchvision to ONNX: one file, only the batch is dynamic."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
import onnx.shape_inference
import torch
from torch import Tensor, nn

from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.graph import FRAME, LOGITS, check_graph, drop_unused, save_facts
from edgeecho_export.tracing import trace


def write_onnx(
    path: Path, network: nn.Module, spec: PreprocessSpec, *, name: str, version: str
) -> None:
    """Write `network` as one file: `frame (batch, 3, S, S)` -> `logits (batch, S, S)`, all FP32.

    Its metadata say that it is a segmentation, so that nobody takes it for an EF network.
    """
    model = _trace(network, spec)
    facts = {
        "task": "segmentation",
        "name": name,
        "version": version,
        "precision": "fp32",
        "preprocess": spec.to_dict(),
    }
    save_facts(model, facts)
    check_graph(model)
    onnx.save(model, path)


def _trace(network: nn.Module, spec: PreprocessSpec) -> onnx.ModelProto:
    example = torch.zeros(2, 3, spec.size, spec.size)
    model = trace(_Logits(network).eval(), example, FRAME, (LOGITS,))
    _fix_scales(model)
    return model


def _fix_scales(model: onnx.ModelProto) -> None:
    """Give each Resize its factors as constants instead of sizes that are computed in every run.

    Only the batch is dynamic, so they are known. ONNX Runtime computes shapes on the CPU, for which
    CUDA's session refuses the whole network, as a real H100 showed.
    """
    graph = model.graph
    sizes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info
    }
    for node in graph.node:
        if node.op_type == "Resize":
            (before, after) = (sizes[name][2:] for name in (node.input[0], node.output[0]))
            factors = [_scale(*pair) for pair in zip(before, after, strict=True)]
            scales, name = np.array([1, 1, *factors], np.float32), f"{node.output[0]}_scales"
            graph.initializer.append(onnx.numpy_helper.from_array(scales, name))
            node.input[:] = [node.input[0], "", name]
    drop_unused(model)


def _scale(before: int, after: int) -> float:
    """The factor whose product is `after` once it is rounded down, in whatever arithmetic."""
    scale = np.float32(after / before)
    if before * float(scale) < after:
        scale = np.nextafter(scale, np.float32(np.inf))
    return float(scale)


class _Logits(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        logits: Tensor = self.network(frame)["out"].squeeze(1)
        return logits
