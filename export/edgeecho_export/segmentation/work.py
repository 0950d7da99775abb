"""What the precisions of one segmentation share while they are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import MaskCheck, RangeCheck
from edgeecho.tools.verify.masks import MaskReferences, frames_of
from edgeecho_calibration.ranges import Ranges
from edgeecho_export.ranges import Clips, collect
from edgeecho_export.recipes.base import Workspace
from edgeecho_export.segmentation.checkpoint import LoadedSegmentation
from edgeecho_export.segmentation.parity import MaskGate


@dataclass(frozen=True)
class MaskWork:
    """The inputs of a segmentation's export and what is computed once."""

    work: Workspace
    source: LoadedSegmentation
    references: MaskReferences

    @property
    def fp32(self) -> Path:
        """Path of the file that all others are converted from."""
        return self.path("fp32")

    def path(self, precision: str) -> Path:
        """Path of the file of a precision."""
        return self.work.folder / f"segmentation.{precision}.onnx"

    def gate(self, precision: str) -> MaskGate:
        """The check of masks for a file of `precision`."""
        return MaskGate(precision, self.references, self.work.options.engine)

    @cached_property
    def ranges(self) -> Ranges:
        """Of all tensors of `fp32`, over frames of the clips that the EF network's come from."""
        clips = self.work.calibration
        if clips is None:
            clips = [clip[None] for clip in self.work.clips]
        return collect(self.fp32, _Frames(clips), self.work.options.methods)


@dataclass(frozen=True)
class MaskResult:
    """What the manifest records of a file whose masks passed."""

    checks: tuple[MaskCheck, ...]
    """Empty: no file passed, and FP32's is to be taken."""
    range: RangeCheck | None = None
    calibration: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class _Frames:
    """A few frames of each clip, spread over it."""

    clips: Clips

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        for clip in self.clips:
            yield frames_of(clip)
