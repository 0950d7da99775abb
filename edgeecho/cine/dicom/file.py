"""Parsing a DICOM file: its attributes, and where its pixel data are. Decodes nothing."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_partial, read_preamble
from pydicom.tag import BaseTag, Tag

from edgeecho.cine.dicom.aspect import KEYWORDS as ASPECT
from edgeecho.cine.dicom.attributes import claimed_frames
from edgeecho.cine.dicom.detect import is_dicom
from edgeecho.cine.dicom.kind import ATTRIBUTES as KIND
from edgeecho.cine.dicom.kind import Other, other_kind
from edgeecho.cine.dicom.quiet import DAMAGE, quiet
from edgeecho.cine.dicom.view import ATTRIBUTES as VIEW
from edgeecho.cine.types import DecodeLimits
from edgeecho.common.errors import InputError

# Only these attributes are read: no names, dates or identifiers. Texts are compared and never kept.
_ATTRIBUTES = (
    *KIND,
    *ASPECT,
    *VIEW,
    "BitsAllocated",
    "BitsStored",
    "BluePaletteColorLookupTableData",
    "BluePaletteColorLookupTableDescriptor",
    "CineRate",
    "Columns",
    "EffectiveDuration",
    "ExtendedOffsetTable",
    "FrameTime",
    "FrameTimeVector",
    "GreenPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableDescriptor",
    "PhotometricInterpretation",
    "PixelRepresentation",
    "PlanarConfiguration",
    "RecommendedDisplayFrameRate",
    "RedPaletteColorLookupTableData",
    "RedPaletteColorLookupTableDescriptor",
    "RescaleIntercept",
    "RescaleSlope",
    "Rows",
    "SamplesPerPixel",
    "SegmentedBluePaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
)
_DEFLATED = "1.2.840.10008.1.2.1.99"
_UNDEFINED = 0xFFFFFFFF
# Larger than any real header; lengths inside it are not trusted.
_HEADER_BYTES = 16 << 20
# Larger than any real header's number of top-level elements, which is a few hundred. Zeros are
# elements of no length: a deflated file of some kB can hold so many that reading takes minutes.
_HEADER_ELEMENTS = 20_000
_PIXEL_DATA = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})


@dataclass(frozen=True)
class PixelData:
    """The value of (7FE0,0010), as far as the file contains it."""

    buffer: bytes
    start: int
    stop: int
    claimed_bytes: int | None
    """Length in the header; None if it is undefined, so in fragments (PS3.5, A.4)."""
    big_endian: bool
    words: bool
    """Whether the VR is OW: in big endian the bytes of 8-bit samples are then swapped in pairs."""


@dataclass(frozen=True)
class DicomFile:
    """What is needed to decode a file's frames."""

    name: str
    dataset: Dataset
    syntax: str
    """UID of the transfer syntax; empty if the file gives none."""
    pixels: PixelData


def open_dicom(path: Path, limits: DecodeLimits) -> DicomFile:
    """Read a file's header and find its pixel data; `InputError` if there are none."""
    name = path.name
    with path.open("rb") as stream:
        # Read into memory first, so that an element that claims 4 GB does not allocate them; and no
        # more than there is, since Python allocates as much as it is asked to read.
        size = os.fstat(stream.fileno()).st_size
        buffer = stream.read(min(size, limits.megabytes * 1_000_000) + 1)
    if len(buffer) > limits.megabytes * 1_000_000:
        raise InputError(
            f"{name} is larger than {limits.megabytes} MB: "
            "cut the clip out of it, or raise --max-mb"
        )
    if not is_dicom(buffer[:132]):
        raise InputError(f"{name} is not a DICOM file: check that it opens elsewhere")
    most = limits.megabytes * 1_000_000
    try:
        meta, buffer = _unpack(buffer, most)
        if len(buffer) > most:  # before it is parsed: 50 MB of empty elements take 12 s
            raise InputError(
                f"{name} is larger than {limits.megabytes} MB when inflated: "
                "cut the clip out of it, or raise --max-mb"
            )
        dataset, at = _parse(buffer, meta, _ATTRIBUTES)
    except DAMAGE:
        # `from None`: pydicom's messages may quote the file.
        raise InputError(f"{name} is a damaged DICOM file: export it again") from None
    pixels = _find_pixels(buffer, at)
    if pixels is None:
        if other := other_kind(dataset):
            raise other.error(name)
        raise InputError(
            f"{name} is a DICOM file without an image: choose a cine, "
            "or copy it again if it was cut short"
        )
    return DicomFile(name, dataset, _syntax_of(meta), pixels)


def read_header(path: Path, attributes: Sequence[str]) -> Dataset:
    """Read some attributes of an untrusted file. Raises one of `DAMAGE` if it is not readable."""
    with path.open("rb") as stream:
        return read_header_of(stream, attributes)


def read_header_of(stream: BinaryIO, attributes: Sequence[str]) -> Dataset:
    """The same of an open file, which may be cut off after these attributes."""
    with quiet():
        meta, buffer = _unpack(stream.read(_HEADER_BYTES), _HEADER_BYTES)
        return _parse(buffer, meta, attributes)[0]


def read_kind(path: Path) -> Other | None:
    """What a file is if its header shows that it is no cine; None otherwise or if unreadable."""
    try:
        header = read_header(path, KIND)
    except DAMAGE:
        return None
    # Only here, where no frames are decoded, the header is trusted to say that there is one.
    return other_kind(header) or (Other("still") if claimed_frames(header) == 1 else None)


def _unpack(buffer: bytes, most_bytes: int) -> tuple[Dataset, bytes]:
    """Return group 0002, and the bytes to parse. Inflating stops soon after `most_bytes`."""
    stream = io.BytesIO(buffer)
    read_preamble(stream, force=True)
    # Group 0002 is explicit little endian in every file (PS3.10, 7.1).
    meta = read_dataset(stream, False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)
    if _syntax_of(meta) == _DEFLATED:
        # pydicom would inflate everything at once, and a few kB can inflate to many GB. The result
        # is a file in explicit VR little endian (PS3.5, A.5) without a preamble.
        buffer = _inflate(memoryview(buffer)[stream.tell() :], most_bytes)
    return meta, buffer


def _syntax_of(meta: Dataset) -> str:
    return str(meta.get("TransferSyntaxUID") or "")


def _parse(buffer: bytes, meta: Dataset, attributes: Sequence[str]) -> tuple[Dataset, int]:
    """Return the attributes, and where parsing stopped."""
    stream = io.BytesIO(buffer)
    tags = [Tag(name) for name in attributes]
    dataset = read_partial(stream, _HeaderEnd(), force=True, specific_tags=[*tags])
    if "SOPClassUID" not in dataset and "MediaStorageSOPClassUID" in meta:
        dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    return dataset, stream.tell()


class _HeaderEnd:
    """Whether the next element is that of the pixels; `ValueError` after too many others."""

    def __init__(self) -> None:
        self._elements = 0

    def __call__(self, tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG002
        self._elements += 1
        if self._elements > _HEADER_ELEMENTS:
            raise ValueError("a header of too many elements")
        return tag in _PIXEL_DATA


def _inflate(data: memoryview, most_bytes: int) -> bytes:
    inflated, decompressor = bytearray(), zlib.decompressobj(-zlib.MAX_WBITS)
    for start in range(0, len(data), 1 << 14):
        try:
            inflated += decompressor.decompress(data[start : start + (1 << 14)])
        except zlib.error:  # frames before the damage may be whole
            break
        if len(inflated) > most_bytes:
            break
    return bytes(inflated)


def _find_pixels(buffer: bytes, at: int) -> PixelData | None:
    # Tag and VR show the real encoding, which file headers may misstate.
    tag = buffer[at : at + 4]
    if tag not in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10") or len(buffer) < at + 12:
        return None
    big_endian = tag[0] == 0x7F
    vr = buffer[at + 4 : at + 6]
    explicit = vr in (b"OB", b"OW", b"UN")
    start = at + (12 if explicit else 8)
    length = int.from_bytes(buffer[start - 4 : start], "big" if big_endian else "little")
    return PixelData(
        buffer=buffer,
        start=start,
        stop=len(buffer) if length == _UNDEFINED else min(start + length, len(buffer)),
        claimed_bytes=None if length == _UNDEFINED else length,
        big_endian=big_endian,
        words=vr == b"OW",
    )
