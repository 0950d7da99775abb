"""A segmentation network of torchvision to ONNX: one file, only the batch is dynamic."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.graph import check_batch, save_facts
from edgeecho_export.tracing import trace

INPUT, OUTPUT = "frame", "logits"


def write_onnx(
    path: Path, network: nn.Module, spec: PreprocessSpec, *, name: str, version: str
) -> None:
    """Write `network` as one file: `frame (batch, 3, S, S)` -> `logits (batch, S, S)`, all FP32.

    Its metadata say that it is a segmentation, so that nobody takes it for an EF network.
    """
    example = torch.zeros(2, 3, spec.size, spec.size)
    model = trace(_Logits(network).eval(), example, INPUT, (OUTPUT,))
    facts = {
        "task": "segmentation",
        "name": name,
        "version": version,
        "precision": "fp32",
        "preprocess": spec.to_dict(),
    }
    save_facts(model, facts)
    check_mask_graph(model)
    onnx.save(model, path)


def check_mask_graph(model: onnx.ModelProto) -> None:
    """Check what engines rely on; a failure is a bug, not a user's error."""
    check_batch(model, {INPUT: 4, OUTPUT: 3})


class _Logits(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        logits: Tensor = self.network(frame)["out"].squeeze(1)
        return logits
