"""What every reader gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Cine:
    """A decoded moving image."""

    frames: NDArray[np.uint8]
    """`(T, H, W, 3)` RGB."""
    timestamps_s: NDArray[np.float64]
    """`(T,)` time of each frame in seconds from the first; NaN where the file gives none."""
    fps: float | None
    """Frames per second; None where the file gives none."""
    fps_source: str
    """Where the frame rate came from (`container`, a DICOM attribute's name, or `unknown`)."""
    container: str
    """`video` or `dicom`."""
    codec: str
    """FourCC of a video, transfer syntax name of a DICOM file."""

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(
                f"expected (T, H, W, 3) uint8 frames, got {self.frames.shape} {self.frames.dtype}"
            )
        if self.timestamps_s.shape != (len(self.frames),):
            raise ValueError(
                f"expected {len(self.frames)} time stamps, got {self.timestamps_s.shape}"
            )
