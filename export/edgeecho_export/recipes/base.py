"""The interface of recipes: what they are given and what they return."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import RangeCheck, Verification
from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import LIMITS, DriftLimits
from edgeecho.tools.verify import ReferenceInputs
from edgeecho_calibration.ranges import Ranges
from edgeecho_calibration.sets import CalibrationSet
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.checks.parity import DriftCheck, ask_pytorch
from edgeecho_export.padding import PAD
from edgeecho_export.ranges import Clips, collect

if TYPE_CHECKING:
    from edgeecho_export.segmentation.work import MaskResult, MaskWork


@dataclass(frozen=True)
class ModelLabel:
    """Name and version of the model."""

    name: str
    version: str


@dataclass(frozen=True)
class Calibration:
    """A calibration set and its files."""

    chosen: CalibrationSet
    sha256: str
    """Hash of the set's file."""
    data: Path | None = None
    """Folder of its videos; None: where the set was made."""


@dataclass(frozen=True)
class ExportOptions:
    """What the user wants beside FP32, and the drift limits."""

    precisions: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """Calibration methods to try; the best is kept."""
    float_layers: tuple[str, ...] = ()
    """Convolutions outside the stem that INT8 leaves in float."""
    calibration: Calibration | None = None
    limits: Mapping[str, DriftLimits] = field(default_factory=lambda: LIMITS)
    pad: int = PAD
    """What divides the channels between the factors of a convolution; 1: they stay as trained."""
    shared: bool | None = None
    """Whether to add shared graphs; None: unless clips are too short."""
    require_skill: bool = False
    """Whether to refuse a network whose skill is not shown."""
    engine: str | None = None
    """An engine that must check every file; None: those that can be opened do."""


@dataclass(frozen=True)
class Workspace:
    """The inputs of one export and what its recipes share, computed once."""

    folder: Path
    """Folder of the bundle in progress."""
    source: LoadedCheckpoint
    label: ModelLabel
    options: ExportOptions
    clips: NDArray[np.float32]
    """Held-out clips `(n, 3, T, S, S)`, normalised."""
    labels: NDArray[np.float32] | None = None
    """`(n,)` EF in %; None: PyTorch's EFs are used instead."""
    calibration: Clips | None = None
    """The clips of the calibration set."""

    @property
    def fp32(self) -> Path:
        """Path of the file that all others are converted from."""
        return self.folder / "fp32.onnx"

    @cached_property
    def reference_inputs(self) -> ReferenceInputs:
        """The held-out clips with PyTorch's EFs."""
        return ask_pytorch(self.source.network, self.clips, self.labels)

    def drift_check(self, precision: str) -> DriftCheck:
        """The drift check for a file of `precision`."""
        reference_inputs = self.reference_inputs.of_precision(precision)
        options = self.options
        return DriftCheck(precision, reference_inputs, options.limits[precision], options.engine)

    @cached_property
    def ranges(self) -> Ranges:
        """Of all tensors of `fp32`, over the calibration set or else the held-out clips."""
        clips = self.calibration
        if clips is None:
            clips = [clip[None] for clip in self.clips]
        return collect(self.fp32, clips, self.options.methods)


@dataclass(frozen=True)
class RecipeResult:
    """What the manifest records of a file that passed its checks."""

    checks: tuple[Verification, ...]
    range: RangeCheck | None = None
    calibration: Mapping[str, Any] | None = None
    """How it was calibrated."""


class ExportRecipe(ABC):
    """How a file of one precision is made and checked."""

    name: ClassVar[str]
    """The precision's name in the table."""

    def refuse(self, source: LoadedCheckpoint, options: ExportOptions) -> None:  # noqa: B027
        """Called before any work: `UsageError` if the options do not fit the checkpoint."""

    @abstractmethod
    def make(self, work: Workspace, path: Path) -> RecipeResult:
        """Write the file `path`; `VerificationError` if it fails its checks."""

    def make_masks(self, work: MaskWork, path: Path) -> MaskResult:  # noqa: ARG002
        """The same for a segmentation; `UsageError` if this precision has none."""
        raise UsageError(
            f"{self.name} has no recipe for a segmentation, and a bundle's two networks are in the "
            f"same precisions: leave --{self.name} or --segmentation out"
        )
