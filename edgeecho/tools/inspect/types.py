"""The result of an inspection, the same for a checkpoint, a bundle and an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edgeecho.bundle import Artefact, MaskArtefact

STAGES = {
    "stem": "stem",
    "layer1": "layer1",
    "layer2": "layer2",
    "layer3": "layer3",
    "layer4": "layer4",
    "fc": "head",
}
"""First part of a parameter's name -> stage of the network; the head is pooling and `fc`."""
WHOLE = "network"
"""Name of the single stage of a network that does not have those above."""


@dataclass(frozen=True)
class NetworkStage:
    """A stage of the network; shapes are for a batch of 1."""

    name: str
    input_shape: tuple[int, ...] | None
    """`(1, C, T, H, W)`, of a segmentation `(1, C, H, W)`; None if the file leaves it open."""
    output_shape: tuple[int, ...] | None
    """The same; `(1,)` after the head."""
    parameters: int
    """Number of parameters, see `Inspection.counted`."""
    macs: int | None
    """Multiply-accumulates of convolutions and matrix products for one clip, without biases; None
    if a shape is open."""

    @property
    def time_divisor(self) -> int:
        """2 if this stage halves the number of frames; 1 if it keeps it or has no frames."""
        return self._divisor(axis=2)

    @property
    def space_divisor(self) -> int:
        """2 if this stage halves height and width, otherwise 1."""
        return self._divisor(axis=3)

    def _divisor(self, axis: int) -> int:
        before, after = self.input_shape or (), self.output_shape or ()
        if not len(before) == len(after) == 5:
            return 1
        # A stride of 2 turns 7 into 4: odd lengths are rounded up.
        return -(-before[axis] // max(after[axis], 1))


@dataclass(frozen=True)
class Inspection:
    """Everything that a file or bundle states about itself; the rest is None or empty."""

    kind: Literal["checkpoint", "bundle", "onnx", "segmentation"]
    """`segmentation`: that of a bundle, see below."""
    file: str
    """File name without folders."""
    sha256: str | None
    """SHA-256 of the file; None for a bundle, whose artefacts have their own."""
    stages: tuple[NetworkStage, ...]
    counted: str
    """Which parameters the stages count."""
    name: str | None = None
    version: str | None = None
    precision: str | None = None
    """Only for a lone ONNX file."""
    architecture: Mapping[str, Any] | None = None
    """name, width or task, and parameters as trained."""
    preprocess: Mapping[str, Any] | None = None
    """The known fields of `PreprocessSpec`."""
    preprocess_sha256: str | None = None
    """Hash of a complete spec."""
    trained_on: str | None = None
    """One sentence."""
    provenance: Mapping[str, Any] | None = None
    """As in a bundle's manifest: checkpoint_sha256, training, versions (of the export)."""
    artefacts: tuple[Artefact | MaskArtefact, ...] = ()
    """Artefacts of a bundle, with verified hashes."""
    segmentation: Inspection | None = None
    """The segmentation of a bundle; None: it has none."""
    unknown: tuple[str, ...] = ()
    """What is unknown and what to do about it, one sentence each."""

    @property
    def clip_shape(self) -> tuple[int, ...] | None:
        """Shape of the network's input for one clip, `(1, 3, T, H, W)`; of a segmentation for one
        frame, `(1, 3, H, W)`."""
        return self.stages[0].input_shape if self.stages else None

    @property
    def parameters(self) -> int:
        """Number of parameters of all stages."""
        return sum(stage.parameters for stage in self.stages)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of all stages for one clip; None if any is unknown."""
        known = [stage.macs for stage in self.stages if stage.macs is not None]
        return sum(known) if len(known) == len(self.stages) else None
