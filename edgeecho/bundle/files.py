"""Files of a bundle that were found and verified."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edgeecho.bundle.artefact import SharedCost
from edgeecho.bundle.assumed import model_warnings
from edgeecho.bundle.skill import Skill
from edgeecho.preprocess import PreprocessSpec

Task = Literal["ef", "segmentation"]


@dataclass(frozen=True)
class SharedFile:
    """A shared graph that was found and verified; its weights are the plain file's."""

    path: Path
    sha256: str
    """Of both files' hashes: the one without the other says nothing."""
    cost: SharedCost


@dataclass(frozen=True)
class MaskFile:
    """A segmentation network that was found and verified."""

    path: Path
    sha256: str
    architecture: str
    precision: str
    """Its own: an INT8 bundle may have masks in FP32."""


@dataclass(frozen=True)
class ModelFile:
    """One artefact that was found, read and verified: what engines and results need."""

    path: Path
    sha256: str
    name: str
    version: str
    precision: str
    preprocess: PreprocessSpec
    trained_on: str
    """One sentence, empty where it is not known (a lone ONNX file)."""
    uncertainty: Mapping[str, Any] | None = None
    """The manifest's; its file is beside `path`. None: nothing was measured."""
    shared: SharedFile | None = None
    """None: there is none, and every clip is answered by itself."""
    skill: Skill | None = None
    """The manifest's; None: it was never measured, or not known, as of a lone ONNX file."""
    assumed: str | None = None
    """Whose mean and std were taken; None if they are the model's own."""
    segmentation: MaskFile | None = None
    """In the same precision; None: the bundle has none."""
    task: Task = "ef"
    """What `path` computes; engines ask for other inputs and outputs of a segmentation."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every answer warns of."""
        return model_warnings(self.skill, self.assumed)

    def absolute(self) -> ModelFile:
        """The same for a process in another folder."""
        shared = self.shared and replace(self.shared, path=self.shared.path.absolute())
        masks = self.segmentation
        masks = masks and replace(masks, path=masks.path.absolute())
        return replace(self, path=self.path.absolute(), shared=shared, segmentation=masks)
