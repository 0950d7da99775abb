"""Reading DICOM attributes that may be missing or damaged."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.cine.types import DecodeLimits
from edgeecho.common.errors import InputError

# PS3.3, C.7.6.3.1.2. Only these values are shown to the user: any other text in the attribute may
# be anything, even a name.
_PHOTOMETRIC = {
    "ARGB",
    "CMYK",
    "HSV",
    "MONOCHROME1",
    "MONOCHROME2",
    "PALETTE COLOR",
    "RGB",
    "XYB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_ICT",
    "YBR_PARTIAL_420",
    "YBR_PARTIAL_422",
    "YBR_RCT",
}
_SUPPORTED = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}


@dataclass(frozen=True)
class Layout:
    """How the pixels of every frame are stored (PS3.3, C.7.6.3)."""

    rows: int
    columns: int
    samples: int
    """Samples per pixel: 1, or 3 for colour."""
    bits_allocated: int
    """Bits per sample: 8 or 16."""
    bits_stored: int
    signed: bool
    planar: int
    """0: RGBRGB, 1: RR.. GG.. BB.."""
    photometric: str

    @property
    def native_bytes(self) -> int:
        """Size of one uncompressed frame in bytes."""
        samples = self.rows * self.columns * self.samples
        if self.photometric == "YBR_FULL_422":  # two pixels share one pair of colour samples
            samples = samples // 3 * 2
        return samples * self.bits_allocated // 8


def read_layout(dataset: Dataset, name: str, limits: DecodeLimits) -> Layout:
    """The layout that the header claims; `InputError` if it is not supported."""
    rows, columns = (_integer(dataset, key, name) for key in ("Rows", "Columns"))
    limits.check_size(name, rows, columns)
    photometric = _photometric(dataset, name)
    bits_allocated = _integer(dataset, "BitsAllocated", name)
    if bits_allocated not in (8, 16):
        raise InputError(
            f"{name}: {bits_allocated} bits allocated to a sample are not supported: "
            "export it with 8 or 16"
        )
    layout = Layout(
        rows=rows,
        columns=columns,
        samples=_integer(dataset, "SamplesPerPixel", name),
        bits_allocated=bits_allocated,
        bits_stored=_integer(dataset, "BitsStored", name, bits_allocated),
        signed=_integer(dataset, "PixelRepresentation", name, 0) == 1,
        planar=_integer(dataset, "PlanarConfiguration", name, 0),
        photometric=photometric,
    )
    if (
        layout.samples != _SUPPORTED[photometric]
        or not 1 <= layout.bits_stored <= bits_allocated
        or layout.planar not in (0, 1)
    ):
        raise InputError(
            f"{name}: its header contradicts itself ({photometric}, {layout.samples} samples a "
            f"pixel, {layout.bits_stored} of {bits_allocated} bits stored): export it again"
        )
    return layout


def claimed_frames(dataset: Dataset) -> int | None:
    """NumberOfFrames; None if it is missing, not a number, or below 1."""
    values = numbers(dataset, "NumberOfFrames")
    return int(values[0]) if len(values) == 1 and values[0] >= 1 else None


def numbers(dataset: Dataset, keyword: str) -> NDArray[np.float64]:
    """The attribute's values; empty if it is absent or, as in damaged files, not numeric."""
    try:
        value = dataset.get(keyword)
        found = np.atleast_1d(np.asarray([] if value is None else value, np.float64))
    except DAMAGE:
        return np.empty(0)
    return found if np.isfinite(found).all() else np.empty(0)


def decimals(dataset: Dataset, keyword: str) -> NDArray[np.float64]:
    """The values of a DS or IS attribute (PS3.5, 6.2); NaN for a value that is not a number.

    A comma is read as a decimal point. Some writers use it so, and it has no other meaning there.
    """
    try:
        raw = dataset.get_item(keyword)
        value = None if raw is None else raw.value
    except DAMAGE:
        return np.empty(0)
    if not isinstance(value, bytes):
        return numbers(dataset, keyword)
    words = value.decode("ascii", "replace").rstrip("\0 ").split("\\")
    return np.array([_decimal(word) for word in words] if any(words) else [], np.float64)


def _decimal(word: str) -> float:
    # float() would also accept "1_000", "nan" and "1e999".
    found = re.fullmatch(r"\s*([+-]?\d*[.,]?\d*(?:[eE][+-]?\d+)?)\s*", word, re.ASCII)
    try:
        value = float(found.group(1).replace(",", ".")) if found else float("nan")
    except ValueError:
        return float("nan")
    return value if np.isfinite(value) else float("nan")


def pointed(dataset: Dataset, keyword: str) -> list[str]:
    """Keywords of the attributes that this one points at, if the standard has them."""
    tags = [int(value) for value in numbers(dataset, keyword) if 0 <= value <= 0xFFFFFFFF]
    return [found for found in map(keyword_for_tag, tags) if found]


def text(dataset: Dataset, keyword: str) -> str:
    """The attribute's value; empty if it is absent or damaged. Never show it to anyone."""
    try:
        return str(dataset.get(keyword) or "").strip()
    except DAMAGE:
        return ""


def words(dataset: Dataset, keyword: str) -> list[str]:
    """The attribute's values; empty if it is absent or damaged. Like `text`, never show them."""
    try:
        value = dataset.get(keyword)
        several = value if isinstance(value, MultiValue) else [value or ""]
        return [str(one).strip() for one in several]
    except DAMAGE:
        return []


def items(dataset: Dataset, keyword: str) -> list[Dataset]:
    """The items of a sequence; empty if it is absent or damaged."""
    try:
        return list(dataset.get(keyword) or [])
    except DAMAGE:
        return []


def _integer(dataset: Dataset, keyword: str, name: str, default: int | None = None) -> int:
    values = numbers(dataset, keyword)
    if len(values) == 1:
        return int(values[0])
    if default is None:
        raise InputError(f"{name}: {keyword} is missing or no number: export it again")
    return default


def _photometric(dataset: Dataset, name: str) -> str:
    value = text(dataset, "PhotometricInterpretation")
    if value in _SUPPORTED:
        return value
    known = value if value in _PHOTOMETRIC else "(missing or unknown)"
    raise InputError(
        f"{name}: photometric interpretation {known} is not supported: "
        f"export it as one of {', '.join(_SUPPORTED)}"
    )
