"""Decoding one encoded frame to RGB, with decoders that are chosen by name.

By default pydicom takes whichever plug-in is installed: pixels would then depend on the machine,
and pylibjpeg-libjpeg is under the GPL.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module, util
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID

from edgeecho.cine.dicom.attributes import Layout
from edgeecho.cine.dicom.codestream import (
    BrokenFrameError,
    Codestream,
    check_scan,
    read_j2k,
    read_jpeg,
    strip_lossless,
)
from edgeecho.cine.dicom.display import Display
from edgeecho.cine.dicom.file import DicomFile
from edgeecho.cine.dicom.frames import Encoded
from edgeecho.cine.dicom.quiet import DAMAGE, overheard
from edgeecho.cine.dicom.rle import decode_rle
from edgeecho.common.errors import InputError, MissingDependencyError

# Transfer syntaxes (PS3.5, annex A; PS3.6, annex A).
_ROOT = "1.2.840.10008.1.2"
_LITTLE_ENDIAN, _BIG_ENDIAN = f"{_ROOT}.1", f"{_ROOT}.2"
NATIVE = frozenset({_ROOT, _LITTLE_ENDIAN, f"{_ROOT}.1.99", _BIG_ENDIAN, ""})
RLE = f"{_ROOT}.5"
_JPEG = frozenset({f"{_ROOT}.4.50", f"{_ROOT}.4.51"})
_J2K = frozenset({f"{_ROOT}.4.90", f"{_ROOT}.4.91"})
# Pillow and OpenCV decode neither.
_JPEG_LOSSLESS = frozenset({f"{_ROOT}.4.57", f"{_ROOT}.4.70"})
_JPEG_LS = frozenset({f"{_ROOT}.4.80", f"{_ROOT}.4.81"})

DecodeFrame = Callable[[Encoded], NDArray[np.uint8]]


def frame_decoder(file: DicomFile, layout: Layout) -> DecodeFrame:
    """A function that decodes a frame of this file to `(H, W, 3)` or raises `BrokenFrameError`.

    `InputError` if the transfer syntax is not supported, `MissingDependencyError` if it takes an
    extra.
    """
    display = Display(file, layout)
    if file.syntax in NATIVE:
        return lambda data: display.show(_native(data, layout, file.pixels.big_endian))
    # Of the lossless formats only native pixels are subsampled, whatever the header says.
    full = replace(layout, photometric=layout.photometric.removesuffix("_422"))
    if file.syntax == RLE:
        planes = replace(full, planar=1)
        return lambda data: display.show(_native(decode_rle(bytes(data), layout), planes, False))
    if file.syntax in _JPEG:
        return lambda data: _jpeg(bytes(data), layout, file.syntax, display)
    if file.syntax in _J2K:
        return lambda data: _j2k(bytes(data), layout, file.syntax, display)
    if file.syntax in _JPEG_LOSSLESS | _JPEG_LS:
        _need_gdcm(file)
        return lambda data: _lossless(bytes(data), full, file.syntax, display)
    raise InputError(
        f"{file.name}: edgeecho has no decoder for its pixels ({syntax_name(file.syntax)}): "
        "export it as JPEG, JPEG 2000, RLE, H.264 or uncompressed"
    )


_JPEG_XL = {
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
}
"""Missing in pydicom's dictionary, though other packages add them to it (PS3.6, table A-1)."""


def syntax_name(syntax: str) -> str:
    """The transfer syntax's name in the standard; a UID that it lacks may be any text."""
    if not syntax:
        return "no transfer syntax given"
    if syntax in _JPEG_XL:
        return _JPEG_XL[syntax]
    uid = UID(syntax)
    return uid.name if not uid.is_private and uid.name != uid else "unknown transfer syntax"


def _need_gdcm(file: DicomFile) -> None:
    if util.find_spec("gdcm") is None:
        raise MissingDependencyError(
            f"{file.name}: its pixels ({syntax_name(file.syntax)}) need python-gdcm, which is not "
            "installed: pip install 'edgeecho[dicom-lossless]'"
        )
    trace = import_module("gdcm").Trace
    for switch_off in (trace.WarningOff, trace.ErrorOff, trace.DebugOff):
        switch_off()  # gdcm prints on stderr


def _jpeg(data: bytes, layout: Layout, syntax: str, display: Display) -> NDArray[np.uint8]:
    stream = read_jpeg(data)
    stream.check(layout)
    if not stream.precision == layout.bits_allocated == 8:
        raise BrokenFrameError(f"the frames are lossy JPEG with {stream.precision} bits a sample")
    check_scan(data, stream)
    if _libjpeg_knows_the_colours(stream, layout):
        pixels = _pillow(data)
    else:
        pixels = _pydicom(data, layout, syntax, "pillow").astype(np.uint8, copy=False)
    _check_tail(pixels)
    return pixels if pixels.ndim == 3 else display.show(pixels)


def _libjpeg_knows_the_colours(stream: Codestream, layout: Layout) -> bool:
    """Whether libjpeg guesses the colour space correctly, so that pydicom is not needed.

    libjpeg takes three components for RGB if an Adobe marker or their IDs say so, and otherwise for
    YCbCr. pydicom takes four times as long, fails with the IDs, and converts YBR twice if an Adobe
    marker confirms it.
    """
    if layout.samples == 1 or stream.adobe_transform == 1:
        return True
    if stream.component_ids == b"RGB":
        return not stream.jfif
    if stream.adobe_transform == 0 or stream.component_ids == b"rgb":
        return False
    return layout.photometric != "RGB" or stream.jfif


def _pillow(data: bytes) -> NDArray[np.uint8]:
    # OpenCV would be a third faster, but prints libjpeg's warnings about damage on stderr.
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return np.asarray(image)
    except DAMAGE:
        raise BrokenFrameError("their data are damaged") from None


def _check_tail(pixels: NDArray[np.uint8]) -> None:
    """Raise `BrokenFrameError` if the last block is mid-grey, as where JPEG data end too early.

    libjpeg fills missing blocks with that grey. Most damage inside the data shows in the same way,
    because the codes after it usually take more bits. No ultrasound image has that grey in its last
    corner.
    """
    if (pixels[-4:, -4:] == 128).all():
        raise BrokenFrameError("their data are damaged")


def _j2k(data: bytes, layout: Layout, syntax: str, display: Display) -> NDArray[np.uint8]:
    bare, stream = read_j2k(data)
    stream.check(layout)
    return display.show(_pydicom(bare, layout, syntax, "pillow"))


def _lossless(data: bytes, layout: Layout, syntax: str, display: Display) -> NDArray[np.uint8]:
    stream = read_jpeg(data)
    stream.check(layout)
    if syntax not in _JPEG_LS:
        data = strip_lossless(data, stream)
    with overheard() as complained:
        pixels = _pydicom(data, layout, syntax, "gdcm")
        if complained():
            raise BrokenFrameError("their data are damaged")
    return display.show(pixels)


def _native(data: Encoded, layout: Layout, big_endian: bool) -> NDArray[np.generic]:
    return _decode(data, layout, _BIG_ENDIAN if big_endian else _LITTLE_ENDIAN)


def _pydicom(data: bytes, layout: Layout, syntax: str, plugin: str) -> NDArray[np.generic]:
    return _decode(encapsulate([data]), layout, syntax, index=0, decoding_plugin=plugin)


def _decode(data: Encoded, layout: Layout, syntax: str, **options: Any) -> NDArray[np.generic]:
    """Stored values `(H, W)` or, as RGB, `(H, W, 3)`."""
    options |= {
        "number_of_frames": 1,
        "rows": layout.rows,
        "columns": layout.columns,
        "samples_per_pixel": layout.samples,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "planar_configuration": layout.planar,
        "photometric_interpretation": layout.photometric,
        "pixel_keyword": "PixelData",
        "pixel_vr": "OB",
    }
    try:
        return get_decoder(syntax).as_array(data, **options)[0]
    except DAMAGE:
        raise BrokenFrameError("their data are damaged") from None
