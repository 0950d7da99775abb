"""`Cine`, which every reader returns, and the limits that every reader respects."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.views import DeclaredView
from edgeecho.common.errors import InputError, UsageError

RATES_AGREE = 1.1
"""Two frame rates that differ by a larger factor contradict each other."""
FROM_USER = "--fps"
"""`Cine.fps_source` of a rate given by the user."""


@dataclass(frozen=True)
class DecodeLimits:
    """The largest file that is decoded: a header can claim anything."""

    pixels: int = 4096 * 4096
    """Height times width of one frame."""
    frames: int = 4000
    """Number of frames, both as decoded and after resampling."""
    megabytes: int = 800
    """Size in 10^6 bytes of the file, of its decoded frames, and of the resampled frames."""

    def check_size(self, name: str, height: int, width: int) -> None:
        """Raise `InputError` if frames of that size must not be decoded."""
        if not 0 < height * width <= self.pixels or min(height, width) < 1:
            raise InputError(
                f"{name} says that its frames are {width}x{height}, over the limit of "
                f"{self.pixels} pixels: the file is damaged, or raise --max-pixels"
            )

    def check_resampled(self, count: int, frame_bytes: int) -> None:
        """Raise `InputError` if a video must not be resampled to `count` frames of that size."""
        words = f"resampling makes {count} frames of it"
        if count > self.frames:
            raise InputError(
                f"{words}, over the limit of {self.frames}: cut it shorter, or raise --max-frames"
            )
        if count * frame_bytes > self.megabytes * 1_000_000:
            raise InputError(
                f"{words}, which need more than {self.megabytes} MB: "
                "cut it shorter, or raise --max-mb"
            )


DEFAULT_LIMITS = DecodeLimits()


@dataclass(frozen=True)
class Region:
    """A rectangle in pixels; `x`, `y` is its upper left corner."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if min(self.x, self.y) < 0 or min(self.width, self.height) < 1:
            raise ValueError(f"expected x, y >= 0 and width, height >= 1, got {self}")

    def inside(self, height: int, width: int) -> Region | None:
        """The part of it that lies inside an image; None if there is none."""
        right, bottom = min(self.x + self.width, width), min(self.y + self.height, height)
        if right <= self.x or bottom <= self.y:
            return None
        return Region(self.x, self.y, right - self.x, bottom - self.y)

    def scaled(self, down: float, across: float) -> Region:
        """The same region after the image was stretched, rounded outwards to whole pixels."""
        x, y = int(self.x * across), int(self.y * down)
        right, bottom = (self.x + self.width) * across, (self.y + self.height) * down
        return Region(x, y, math.ceil(right) - x, math.ceil(bottom) - y)


@dataclass(frozen=True)
class Cine:
    """A decoded cine loop."""

    frames: NDArray[np.uint8]
    """`(T, H, W, 3)` RGB."""
    timestamps_s: NDArray[np.float64]
    """`(T,)` time of each frame in s from the first; NaN if the file gives none."""
    fps: float | None
    """Frames per second; None if the file gives none."""
    fps_source: str
    """Where the frame rate comes from: `container`, `time stamps`, a DICOM attribute's name,
    `video stream` (one without a container), `--fps` or `unknown`."""
    container: str
    """`avi`, `mp4`, `mkv`, `dicom`, `other` or `h26x` (see `container_of`)."""
    codec: str
    """FourCC of an AVI, FFmpeg's codec name for other videos, name of a DICOM file's transfer
    syntax."""
    regions: tuple[Region, ...] = ()
    """The 2D tissue regions of a DICOM file, inside the image's bounds."""
    damage: tuple[str, ...] = ()
    """What is missing or contradictory in the file, as text for the result."""
    missing: int = 0
    """Frames that the file claims and that were not decoded; 0 if it claims none."""
    deinterlaced: int = 0
    """Number of frames that FFmpeg's bwdif filter made of two interlaced fields."""
    pixel_aspect: float = 1.0
    """Pixel aspect ratio in the file, width by height. The pixels of `frames` are square."""
    notes: tuple[str, ...] = ()
    """Oddities of the file and how they were handled, as text for the result."""
    fps_notes: tuple[str, ...] = ()
    """The same for the frame rate: what could not be used, and what was taken instead."""
    pixel_mm: float | None = None
    """Side of a pixel of `frames` in mm, by a DICOM file's region; None if that is not known."""
    pixel_doubt: str | None = None
    """Why what the file says of that size is not used."""
    fps_doubt: str | None = None
    """Two contradictory statements about the frame rate."""
    view: DeclaredView | None = None
    """The view that a DICOM file declares."""

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or self.frames.shape[-1] != 3 or self.frames.dtype != np.uint8:
            raise ValueError(
                f"expected (T, H, W, 3) uint8 frames, got {self.frames.shape} {self.frames.dtype}"
            )
        if self.timestamps_s.shape != (len(self.frames),):
            raise ValueError(
                f"expected {len(self.frames)} time stamps, got {self.timestamps_s.shape}"
            )

    def at_rate(self, fps: float, source: str = FROM_USER) -> Cine:
        """The same frames at a constant rate that is known from elsewhere."""
        if not 1 <= fps <= 1000:
            raise UsageError(f"--fps {fps:g} is no frame rate: give 1 to 1000 frames/s")
        stamps = np.arange(len(self.frames)) / fps
        return replace(
            self,
            timestamps_s=stamps,
            fps=float(fps),
            fps_source=source,
            fps_notes=(),
            fps_doubt=None,
        )

    @property
    def why_no_rate(self) -> str:
        """Why `fps` is None."""
        return "; ".join(self.fps_notes) or "the file does not say its frame rate"
