"""What inspection finds, the same for a checkpoint, a bundle and an ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from edgeecho.bundle import Artefact

STAGES = {
    "stem": "stem",
    "layer1": "layer1",
    "layer2": "layer2",
    "layer3": "layer3",
    "layer4": "layer4",
    "fc": "head",
}
"""What a parameter's name begins with -> the network's stage; the head pools, then has `fc`."""
WHOLE = "network"
"""The only stage of a network that does not have those above."""


@dataclass(frozen=True)
class NetworkStage:
    """A part of the network on its way from one clip to one EF; shapes have a batch of 1."""

    name: str
    input_shape: tuple[int, ...] | None
    """`(1, C, T, H, W)`; None: the file leaves it open."""
    output_shape: tuple[int, ...] | None
    """Likewise; `(1,)` after the head."""
    parameters: int
    """What they count is in `Inspection.counted`."""
    macs: int | None
    """Multiply-accumulates of convolutions and matrix products for one clip, biases left out;
    None: not known, since a shape is open."""

    @property
    def time_divisor(self) -> int:
        """2: this stage halves the number of frames; 1: it keeps them, or has no frames."""
        return self._divisor(axis=2)

    @property
    def space_divisor(self) -> int:
        """2: this stage halves height and width."""
        return self._divisor(axis=3)

    def _divisor(self, axis: int) -> int:
        before, after = self.input_shape or (), self.output_shape or ()
        if not len(before) == len(after) == 5:
            return 1
        # A stride of 2 makes 4 of 7: odd lengths are rounded up.
        return -(-before[axis] // max(after[axis], 1))


@dataclass(frozen=True)
class Inspection:
    """All that one file or bundle says of itself; what it does not say is None or empty."""

    kind: Literal["checkpoint", "bundle", "onnx"]
    file: str
    """Name without folders."""
    sha256: str | None
    """Of the file; None for a bundle, whose artefacts have theirs."""
    stages: tuple[NetworkStage, ...]
    counted: str
    """Which parameters the stages count."""
    name: str | None = None
    version: str | None = None
    precision: str | None = None
    """Of a lone ONNX file."""
    architecture: Mapping[str, Any] | None = None
    """name, width, and parameters as trained."""
    preprocess: Mapping[str, Any] | None = None
    """The fields of `PreprocessSpec` that are known."""
    preprocess_sha256: str | None = None
    """Of a complete spec."""
    trained_on: str | None = None
    """One sentence."""
    provenance: Mapping[str, Any] | None = None
    """As in a bundle's manifest: checkpoint_sha256, training, versions (of the export)."""
    artefacts: tuple[Artefact, ...] = ()
    """A bundle's, with verified hashes."""
    unknown: tuple[str, ...] = ()
    """What is not known, and what to do about it; one sentence each."""

    @property
    def clip_shape(self) -> tuple[int, ...] | None:
        """The network's input for one clip, `(1, 3, T, H, W)`."""
        return self.stages[0].input_shape if self.stages else None

    @property
    def parameters(self) -> int:
        """Of all stages."""
        return sum(stage.parameters for stage in self.stages)

    @property
    def macs(self) -> int | None:
        """Of all stages, for one clip; None where one is not known."""
        known = [stage.macs for stage in self.stages if stage.macs is not None]
        return sum(known) if len(known) == len(self.stages) else None
