"""EchoNet-Dynamic's released segmentation: reading it, and what its masks owe to mean and std."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.preprocess import PreprocessSpec, normalise
from edgeecho.tools.verify.masks import MaskDrift, frames_of
from edgeecho_export.echonet import KNOWN, Normalisation
from edgeecho_export.segmentation.checkpoint import LoadedSegmentation, read_segmentation
from edgeecho_export.segmentation.parity import masks_of
from edgeecho_train.checkpoint import FORMAT, load_file


def read_released(path: Path, spec: PreprocessSpec) -> LoadedSegmentation:
    """Read a segmentation in the form of the release, for frames of `spec`.

    `UsageError` for one of ours, `ModelError` for anything else.
    """
    value = load_file(path)
    if value.get("format") == FORMAT:
        raise UsageError(
            f"{path} is a checkpoint of edgeecho: use `edgeecho export --segmentation`"
        )
    if "state_dict" not in value:
        raise ModelError(
            f"{path} is not in the form of EchoNet-Dynamic's release (no state_dict): "
            "give its deeplabv3_resnet50_random.pt"
        )
    return read_segmentation(path, spec)


@dataclass(frozen=True)
class MaskShift:
    """How far masks move from one normalisation to another."""

    to: Normalisation
    drift: MaskDrift


def mask_shifts(
    source: LoadedSegmentation,
    spec: PreprocessSpec,
    clips: NDArray[np.uint8],
    taken: Normalisation,
) -> tuple[MaskShift, ...]:
    """How far the masks of frames of `ReferenceClips.clips` move from `taken` to the others."""

    def masks(of: Normalisation) -> NDArray[np.bool_]:
        own = replace(spec, mean=of.mean, std=of.std)
        return masks_of(source.network, frames_of(np.stack([normalise(c, own) for c in clips])))

    before = masks(taken)
    others = (other for other in KNOWN if other != taken)
    return tuple(MaskShift(other, MaskDrift.of(masks(other), before)) for other in others)
