"""Adding a segmentation to a bundle in progress, in the precisions of its EF network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle import MaskArtefact, MaskCheck, MaskFile, ModelFile, Segmentation
from edgeecho.common.console import words
from edgeecho.common.files import sha256_file
from edgeecho.tools.verify import MaskReferences, save_mask_references
from edgeecho.tools.verify.masks import frames_of
from edgeecho_export.graph import OPSET
from edgeecho_export.recipes.base import Workspace
from edgeecho_export.segmentation.checkpoint import LoadedSegmentation
from edgeecho_export.segmentation.graph import write_onnx
from edgeecho_export.segmentation.parity import ask_pytorch, verify_masks


@dataclass(frozen=True)
class _Work:
    """What the precisions share."""

    work: Workspace
    source: LoadedSegmentation
    references: MaskReferences

    def path(self, precision: str) -> Path:
        return self.work.folder / f"segmentation.{precision}.onnx"

    def verify(self, precision: str) -> tuple[MaskCheck, ...]:
        label, path = self.work.label, self.path(precision)
        model = ModelFile(
            path=path,
            sha256="",
            name=label.name,
            version=label.version,
            precision=precision,
            preprocess=self.work.source.preprocess,
            trained_on="",
            segmentation=MaskFile(path, sha256_file(path), self.source.name),
        )
        return verify_masks(model, self.references, precision, self.work.options.engine)


def add_segmentation(
    work: Workspace, source: LoadedSegmentation, precisions: Sequence[str], *, keep: bool
) -> Segmentation:
    """Write and check the segmentation's files; `VerificationError` if one fails.

    `keep`: store PyTorch's masks of the reference frames, for `edgeecho verify`.
    """
    words.print(f"tracing {source.name}")
    references = ask_pytorch(source.network, frames_of(work.clips))
    todo = _Work(work, source, references)
    artefacts = {precision: _make(todo, precision) for precision in precisions}
    entry: dict[str, Any] = {"frames": len(references.frames)}
    if keep:
        entry |= save_mask_references(work.folder, references.expected)
    return Segmentation(
        architecture={
            "name": source.name,
            "width": source.width,
            "parameters": sum(p.numel() for p in source.network.parameters()),
        },
        provenance={"checkpoint_sha256": source.sha256, "training": source.training},
        trained_on=source.trained_on,
        artefacts=artefacts,
        references=entry,
    )


def _make(todo: _Work, precision: str) -> MaskArtefact:
    path, label = todo.path(precision), todo.work.label
    if precision != "fp32":
        raise NotImplementedError(precision)
    write_onnx(
        path,
        todo.source.network,
        todo.work.source.preprocess,
        name=label.name,
        version=label.version,
    )
    return MaskArtefact(path.name, sha256_file(path), precision, OPSET, todo.verify(precision))
