"""A segmentation network of torchvision to ONNX: one file, only the batch is dynamic."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.graph import FRAME, LOGITS, check_graph, save_facts
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
    return trace(_Logits(network).eval(), example, FRAME, (LOGITS,))


class _Logits(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        logits: Tensor = self.network(frame)["out"].squeeze(1)
        return logits
