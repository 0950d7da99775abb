"""The mask checks: every engine on this machine against PyTorch, by Dice and by area."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from edgeecho.bundle import MaskCheck, ModelFile
from edgeecho.common.errors import EngineError, VerificationError
from edgeecho.common.precisions import PRECISIONS
from edgeecho.engines import (
    EngineDescriptor,
    GraphEngine,
    engines,
    load_segmentation,
    segmentation_file,
)
from edgeecho.tools.verify import MaskReferences, measure_masks, miss_masks
from edgeecho.tools.verify.masks import BATCHES
from edgeecho_export.checks.parity import open_or_say

_AT_ONCE = 16


def ask_pytorch(network: nn.Module, frames: NDArray[np.float32]) -> MaskReferences:
    """Frames `(n, 3, S, S)` with PyTorch's masks."""
    parts = []
    with torch.inference_mode():
        for first in range(0, len(frames), _AT_ONCE):
            batch = torch.from_numpy(frames[first : first + _AT_ONCE])
            parts.append((network(batch)["out"][:, 0] > 0).numpy())
    return MaskReferences(frames, np.concatenate(parts))


def verify_masks(
    model: ModelFile, references: MaskReferences, precision: str, required: str | None
) -> tuple[MaskCheck, ...]:
    """Run the frames through every engine that opens the segmentation of `model` here.

    `VerificationError` if masks are further from PyTorch's than the table of precisions allows,
    `EngineError` if no engine can check, or the `required` one cannot.
    """
    assert model.segmentation is not None
    path, limits = model.segmentation.path, PRECISIONS[precision].masks
    checks = []
    for entry in engines():
        if not entry.available:
            continue
        engine = open_or_say(path, entry.name, partial(_load, entry, model), required)
        if engine is None:
            continue
        drift = measure_masks(engine, references)
        if missed := miss_masks(drift, limits):
            raise VerificationError(
                f"{path.name} on {entry.name} {missed}: no bundle was written; leave "
                f"{'--segmentation' if precision == 'fp32' else f'--{precision}'} out"
            )
        checks.append(
            MaskCheck(
                engine=engine.facts.name,
                version=engine.facts.version.partition("+")[0],
                batches=BATCHES,
                frames=len(references.frames),
                **asdict(drift),
                part="engine",
                allowed=limits.to_dict(),
            )
        )
    if not checks:
        raise EngineError(f"no engine here can check {path.name}: see `edgeecho doctor`")
    return tuple(checks)


def _load(entry: EngineDescriptor, model: ModelFile) -> GraphEngine:
    # TensorRT plans are built later, from a finished bundle: `edgeecho verify` checks them.
    if why := entry.obstacle(segmentation_file(model)):
        raise EngineError(why)
    return load_segmentation(entry.name, model)
