"""Multi-frame DICOM, through pydicom.

No text from the file (names, dates, identifiers) goes anywhere: only pixels and timing.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Cine
from edgeecho.errors import InputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


# What pydicom raises on damaged bytes: whatever its parsers stumble over.
_DAMAGE = (
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
# Others need a colour table or an inversion, which is not done yet: wrong pixels, no warning.
_PHOTOMETRIC = {"RGB", "MONOCHROME2", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}


def read_dicom(path: Path) -> Cine:
    """Decode every frame of a DICOM file; `InputError` where that cannot be done."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        dataset = dcmread(path)
    except (InvalidDicomError, *_DAMAGE) as error:
        raise InputError(f"{path.name} is a damaged DICOM file: export it again") from error
    if "PixelData" not in dataset:
        raise InputError(f"{path.name} is a DICOM file without an image: choose a cine")
    photometric = str(dataset.get("PhotometricInterpretation", "missing"))
    if photometric not in _PHOTOMETRIC:
        known = ", ".join(sorted(_PHOTOMETRIC))
        raise InputError(
            f"{path.name}: photometric interpretation {photometric} is not supported: "
            f"export it as one of {known}"
        )
    frames = _decode(path)
    frame_time, source = _frame_times_s(dataset, len(frames))
    stamps = np.full(len(frames), np.nan) if frame_time is None else frame_time
    fps = _rate(stamps)
    return Cine(
        frames=frames,
        timestamps_s=stamps,
        fps=fps,
        fps_source=source if fps is not None else "unknown",
        container="dicom",
        codec=dataset.file_meta.TransferSyntaxUID.name,
    )


def _decode(path: Path) -> NDArray[np.uint8]:
    from pydicom.pixels.utils import iter_pixels

    try:
        # One frame at a time: NumberOfFrames is a claim, not a fact. YBR becomes RGB here.
        frames = [_to_rgb(frame) for frame in iter_pixels(path)]
    except _DAMAGE as error:
        # pydicom's texts name attributes and plug-ins, no values of the patient's.
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{path.name}: its pixels cannot be decoded: {reason}") from error
    if not frames:
        raise InputError(f"{path.name} is a DICOM file without frames: choose a cine")
    return np.stack(frames)


def _to_rgb(frame: NDArray[np.generic]) -> NDArray[np.uint8]:
    if frame.dtype != np.uint8:
        raise ValueError(f"{frame.dtype} pixels are not supported, 8-bit ones are")
    grey_or_rgb = frame.astype(np.uint8, copy=False)
    if grey_or_rgb.ndim == 2:
        return np.repeat(grey_or_rgb[..., None], 3, axis=-1)
    return grey_or_rgb


def _frame_times_s(dataset: Dataset, n: int) -> tuple[NDArray[np.float64] | None, str]:
    """Time of each frame, and the attribute it came from, in order of trust.

    DICOM PS3.3 C.7.6.5 (cine module): FrameTimeVector and FrameTime are in ms and are what
    FrameIncrementPointer points at; the two rates are advice for display.
    """
    steps = _numbers(dataset, "FrameTimeVector")[:n] / 1000
    if len(steps) == n and (n == 1 or np.all(steps[1:] > 0)):
        return np.cumsum(steps) - steps[0], "FrameTimeVector"
    if (frame_time := _positive(dataset, "FrameTime")) is not None:
        return np.arange(n) * frame_time / 1000, "FrameTime"
    for name in ("RecommendedDisplayFrameRate", "CineRate"):
        if (rate := _positive(dataset, name)) is not None:
            return np.arange(n) / rate, name
    return None, "unknown"


def _positive(dataset: Dataset, name: str) -> float | None:
    values = _numbers(dataset, name)
    return float(values[0]) if len(values) == 1 and values[0] > 0 else None


def _numbers(dataset: Dataset, name: str) -> NDArray[np.float64]:
    """The attribute's values; none where it is absent or, as in damaged files, not numeric."""
    try:
        value = dataset.get(name)
        numbers = np.atleast_1d(np.asarray([] if value is None else value, np.float64))
    except _DAMAGE:
        return np.empty(0)
    return numbers if np.isfinite(numbers).all() else np.empty(0)


def _rate(stamps: NDArray[np.float64]) -> float | None:
    if len(stamps) < 2 or not np.isfinite(stamps).all() or stamps[-1] <= 0:
        return None
    return float((len(stamps) - 1) / stamps[-1])
