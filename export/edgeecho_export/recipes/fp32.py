"""PyTorch to ONNX: only the batch is dynamic, batch norms are folded, no local paths inside."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from torch import Tensor

from edgeecho.bundle.assumed import NORMALISATION
from edgeecho.common.console import words
from edgeecho.preprocess import PreprocessSpec
from edgeecho_export.checks.parity import verify
from edgeecho_export.graph import INPUT, OUTPUTS, check_graph, save_facts
from edgeecho_export.padding import PAD, pad_channels
from edgeecho_export.recipes.base import ExportRecipe, RecipeResult, Workspace
from edgeecho_export.segmentation.graph import write_onnx as write_masks
from edgeecho_export.segmentation.work import MaskResult, MaskWork
from edgeecho_export.tracing import trace
from edgeecho_train.network import ARCHITECTURE, R2Plus1D18

_LIVELY = 1.0
"""EF points. If the EFs vary by less, they hardly depend on the clip, nor does their drift."""


class Fp32(ExportRecipe):
    """The network unchanged; the other recipes convert its file."""

    name = "fp32"

    def make(self, work: Workspace, path: Path) -> RecipeResult:
        network, label = work.source.network, work.label
        words.print(f"tracing {ARCHITECTURE}, width {network.width:g}")
        facts = {"name": label.name, "version": label.version}
        if NORMALISATION in work.source.assumed:
            facts["assumed"] = work.source.assumed[NORMALISATION]
        write_onnx(path, network, work.source.preprocess, **facts, pad=work.options.pad)
        words.print(f"comparing engines with PyTorch on {len(work.clips)} held-out clips")
        if (spread := float(work.reference_inputs.expected.std())) < _LIVELY:
            words.print(
                f"PyTorch gives nearly the same EF to every held-out clip (standard deviation "
                f"{spread:.2f}), so their drift says little"
            )
        return RecipeResult(verify(path, work.drift_check(self.name)))

    def make_masks(self, work: MaskWork, path: Path) -> MaskResult:
        network, label = work.source.network, work.work.label
        words.print(f"tracing {work.source.name}, width {work.source.width:g}")
        spec = work.work.source.preprocess
        write_masks(path, network, spec, name=label.name, version=label.version)
        return MaskResult(work.gate(self.name).verify(path))


def write_onnx(
    path: Path,
    network: R2Plus1D18,
    spec: PreprocessSpec,
    *,
    name: str,
    version: str,
    assumed: str | None = None,
    pad: int = PAD,
) -> None:
    """Write `network` as one ONNX file.

    `clip (batch, 3, T, S, S)` -> `ef (batch,)` in %, `embedding (batch, 512 * width)`, the pooled
    features that the head reads; all FP32. The preprocessing is stored in metadata_props, so that
    the file can be used without its bundle; `assumed`: whose its mean and std are. `pad`: see
    `pad_channels`.
    """
    model = _trace(network, spec)
    pad_channels(model, pad)
    facts = {
        "name": name,
        "version": version,
        "precision": Fp32.name,
        "preprocess": spec.to_dict(),
        **({"assumed": assumed} if assumed else {}),
    }
    save_facts(model, facts)
    check_graph(model)
    onnx.save(model, path)


class _WithEmbedding(R2Plus1D18):
    def forward(self, clip: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        features = self.features(clip)
        return self.head(features), features


def _trace(network: R2Plus1D18, spec: PreprocessSpec) -> onnx.ModelProto:
    with torch.device("meta"):
        traced = _WithEmbedding(network.width)
    # The same tensors, not copies.
    traced.load_state_dict(network.state_dict(), assign=True)
    example = torch.zeros(2, 3, spec.frames, spec.size, spec.size)
    return trace(traced.eval(), example, INPUT, OUTPUTS)


RECIPE = Fp32()
