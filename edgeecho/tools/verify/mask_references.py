"""PyTorch's masks of a bundle's reference frames, which are taken from its reference clips."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle.arrays import read_arrays
from edgeecho.common.errors import ModelError
from edgeecho.common.files import atomic_path, sha256_file
from edgeecho.tools.verify.masks import MaskReferences, frames_of

MASKS_FILE = "segmentation-references.npz"


def save_mask_references(folder: Path, expected: NDArray[np.bool_]) -> dict[str, Any]:
    """Write the masks of the frames of the bundle's reference clips; return the manifest's entry.

    The frames themselves are in the reference clips, see `frames_of`.
    """
    path = folder / MASKS_FILE
    with atomic_path(path) as temporary:
        packed = np.packbits(expected.reshape(len(expected), -1), axis=1)
        np.savez_compressed(temporary, masks=packed)
    return {"file": path.name, "sha256": sha256_file(path)}


def read_mask_references(
    folder: Path, entry: Mapping[str, Any], clips: NDArray[np.float32]
) -> MaskReferences:
    """The frames of normalised reference clips, and what the manifest's `entry` says of them."""
    if "file" not in entry:
        raise ModelError(
            f"{folder} carries no reference masks (--no-references): export it again with them, or "
            "give --data"
        )
    path = folder / str(entry["file"])
    if path.name != entry["file"] or not path.is_file():
        raise ModelError(f"{folder} lacks {MASKS_FILE}: the copy is incomplete, copy it again")
    if sha256_file(path) != entry["sha256"]:
        raise ModelError(f"{path} was changed after export: copy the bundle again")
    frames = frames_of(clips)
    size = frames.shape[-1]
    try:
        masks = np.unpackbits(read_arrays(path)["masks"], axis=1, count=size * size)
        expected = masks.astype(bool).reshape(-1, size, size)
        if len(expected) != len(frames):
            raise ValueError(f"{len(expected)} masks of {len(frames)} frames")
    except (KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{path} holds no references: export the bundle again") from error
    return MaskReferences(frames, expected)
