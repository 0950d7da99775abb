"""The reference set of a bundle: a few clips as pixels, with the EF that PyTorch gave for each.

With it any machine can repeat export's drift checks, without torch and without the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import Manifest
from edgeecho.bundle.arrays import as_floats, read_arrays
from edgeecho.common.errors import ModelError
from edgeecho.common.files import atomic_path, sha256_file
from edgeecho.dataset.reference import ReferenceClips
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.verify.drift import BATCHES, ReferenceInputs
from edgeecho.tools.verify.mask_references import read_mask_references
from edgeecho.tools.verify.masks import MaskReferences

REFERENCES_FILE = "references.npz"


@dataclass(frozen=True)
class ReferenceSet:
    """Reference clips with the EFs that an artefact must reproduce."""

    clips: ReferenceClips
    expected: NDArray[np.float32]
    """`(n,)` EF in %."""
    name: str = "its reference clips"
    """Description of the clips, for reports."""
    source: str = "PyTorch in FP32"
    """Where the expected EFs come from."""
    batches: tuple[int, ...] = BATCHES
    """Batch sizes at which an engine runs the clips."""
    every: bool = False
    """Whether each precision runs every clip, see `ReferenceInputs.of_precision`."""
    masks: MaskReferences | None = None
    """Frames of the clips with the masks to reproduce; None: the bundle has no segmentation."""
    masks_source: str = "PyTorch in FP32"
    """Where these masks come from."""

    def reference_inputs(self, precision: str, spec: PreprocessSpec) -> ReferenceInputs:
        """The clips that an artefact of `precision` runs, normalised."""
        reference_inputs = ReferenceInputs(
            self.clips.normalised(spec), self.expected, self.clips.efs
        )
        return reference_inputs if self.every else reference_inputs.of_precision(precision)


def save_references(
    folder: Path, clips: ReferenceClips, expected: NDArray[np.float32]
) -> dict[str, Any]:
    """Write all clips that export's checks ran, half a megabyte each; return the manifest's entry.

    Fewer clips would give other statistics, so an artefact that passed might then fail.
    """
    path = folder / REFERENCES_FILE
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **clips.to_arrays(), pytorch=expected)
    return {"file": path.name, "sha256": sha256_file(path)}


def references_of_bundle(folder: Path, manifest: Manifest) -> ReferenceSet:
    """What the bundle carries for both of its networks; errors of `read_references`."""
    found = read_references(folder, manifest.references)
    if manifest.segmentation is None:
        return found
    clips = found.clips.normalised(manifest.preprocess)
    entry = manifest.segmentation.references
    return replace(found, masks=read_mask_references(folder, entry, clips))


def read_references(folder: Path, entry: Mapping[str, Any]) -> ReferenceSet:
    """Read what the manifest's `entry` names; `ModelError` if it is missing or another file."""
    if "file" not in entry:
        raise ModelError(
            f"{folder} carries no reference clips (--no-references): export it again with them, or "
            "give --data"
        )
    name = str(entry["file"])
    path = folder / name
    if Path(name).name != name or not path.is_file():
        raise ModelError(f"{folder} lacks {name}: the copy is incomplete, copy it again")
    if sha256_file(path) != entry["sha256"]:
        raise ModelError(f"{path} was changed after export: copy the bundle again")
    try:
        arrays = read_arrays(path)
        clips, expected = ReferenceClips.from_arrays(arrays), as_floats(arrays["pytorch"])
        if len(clips.efs) != len(expected):
            raise ValueError(f"{len(expected)} answers to {len(clips.efs)} clips")
        return ReferenceSet(clips, expected)
    except (KeyError, ValueError) as error:
        raise ModelError(f"{path} holds no references: export the bundle again") from error
