"""Adding a segmentation to a bundle in progress, in the precisions of its EF network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeecho.bundle import MaskArtefact, Segmentation
from edgeecho.common.files import sha256_file
from edgeecho.tools.verify import MaskReferences, save_mask_references
from edgeecho.tools.verify.masks import frames_of
from edgeecho_export.graph import OPSET
from edgeecho_export.recipes.base import ExportRecipe, Workspace
from edgeecho_export.segmentation.checkpoint import LoadedSegmentation
from edgeecho_export.segmentation.parity import masks_of
from edgeecho_export.segmentation.work import MaskWork


def add_segmentation(
    work: Workspace, source: LoadedSegmentation, recipes: Sequence[ExportRecipe], *, keep: bool
) -> Segmentation:
    """Write and check the segmentation's files; `VerificationError` if one fails.

    `keep`: store PyTorch's masks of the reference frames, for `edgeecho verify`.
    """
    frames = frames_of(work.clips)
    todo = MaskWork(work, source, MaskReferences(frames, masks_of(source.network, frames)))
    artefacts: dict[str, MaskArtefact] = {}
    calibration = None
    for recipe in recipes:
        path = todo.path(recipe.name)
        made = recipe.make_masks(todo, path)
        calibration = made.calibration or calibration
        artefacts[recipe.name] = (
            MaskArtefact(path.name, sha256_file(path), recipe.name, OPSET, made.checks, made.range)
            if made.checks
            else artefacts["fp32"]
        )
    entry: dict[str, Any] = {"frames": len(frames)}
    if keep:
        entry |= save_mask_references(work.folder, todo.references.expected)
    return Segmentation(
        architecture={
            "name": source.name,
            "width": source.width,
            "parameters": sum(p.numel() for p in source.network.parameters()),
        },
        provenance={
            "checkpoint_sha256": source.sha256,
            "training": source.training,
            **({} if source.training else {"recognised": source.recognised}),
        },
        trained_on=source.trained_on,
        artefacts=artefacts,
        references=entry,
        calibration=calibration,
    )
