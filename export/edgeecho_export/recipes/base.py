"""What every recipe is given, and what it gives back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import RangeCheck, Verification
from edgeecho.common.precisions import LIMITS, DriftLimits
from edgeecho.tools.verify import ReferenceInputs
from edgeecho_calibration.ranges import Ranges
from edgeecho_calibration.sets import CalibrationSet
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.checks.parity import DriftCheck, ask_pytorch
from edgeecho_export.ranges import Clips, collect


@dataclass(frozen=True)
class ModelLabel:
    """How the model is to be called."""

    name: str
    version: str


@dataclass(frozen=True)
class Calibration:
    """A calibration set, and where it is."""

    chosen: CalibrationSet
    sha256: str
    """Of the set's file."""
    data: Path | None = None
    """Where its videos are now; None: where they were."""


@dataclass(frozen=True)
class ExportOptions:
    """What is wanted beside FP32, and what everything is held to."""

    precisions: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    """Of calibration, to be tried; the best is kept."""
    float_layers: tuple[str, ...] = ()
    """Convolutions that INT8 leaves in float beside the stem's."""
    calibration: Calibration | None = None
    limits: Mapping[str, DriftLimits] = field(default_factory=lambda: LIMITS)
    shared: bool | None = None
    """Of each a graph that answers overlapping clips together; None: unless clips are too short."""


@dataclass(frozen=True)
class Workspace:
    """One export at work."""

    folder: Path
    """Of the bundle that is being made."""
    source: LoadedCheckpoint
    label: ModelLabel
    options: ExportOptions
    clips: NDArray[np.float32]
    """Held-out clips `(n, 3, T, S, S)`, normalised."""
    labels: NDArray[np.float32] | None = None
    """`(n,)` EF in %; None: PyTorch's answers stand for them."""
    calibration: Clips | None = None
    """The clips of the calibration set."""

    @property
    def fp32(self) -> Path:
        """The file that all others are converted from."""
        return self.folder / "fp32.onnx"

    @cached_property
    def reference_inputs(self) -> ReferenceInputs:
        """The held-out clips with PyTorch's answers."""
        return ask_pytorch(self.source.network, self.clips, self.labels)

    def drift_check(self, precision: str) -> DriftCheck:
        """What a file of `precision` is held to."""
        reference_inputs = self.reference_inputs.of_precision(precision)
        return DriftCheck(precision, reference_inputs, self.options.limits[precision])

    @cached_property
    def ranges(self) -> Ranges:
        """Of all tensors of `fp32`, over the calibration set or else the held-out clips."""
        clips = self.calibration
        if clips is None:
            clips = [clip[None] for clip in self.clips]
        return collect(self.fp32, clips, self.options.methods)


@dataclass(frozen=True)
class RecipeResult:
    """What is known of a file that was made and has passed."""

    checks: tuple[Verification, ...]
    range: RangeCheck | None = None
    calibration: Mapping[str, Any] | None = None
    """How it was calibrated, for the manifest."""


class ExportRecipe(ABC):
    """How a file of one precision is made and checked."""

    name: ClassVar[str]
    """Its row's in the table of precisions."""

    def refuse(self, source: LoadedCheckpoint, options: ExportOptions) -> None:  # noqa: B027
        """Before any work: `UsageError` where the options do not fit the checkpoint."""

    @abstractmethod
    def make(self, work: Workspace, path: Path) -> RecipeResult:
        """Write the file `path`; `VerificationError` where it does not pass its checks."""
