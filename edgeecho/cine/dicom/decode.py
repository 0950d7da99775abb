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
from edgeecho.cine.dicom.syntaxes import (
    BIG_ENDIAN,
    J2K,
    JPEG,
    JPEG_LOSSLESS,
    JPEG_LS,
    LITTLE_ENDIAN,
    NATIVE,
    RLE,
    syntax_name,
)
from edgeecho.common.errors import InputError, MissingDependencyError

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
    if file.syntax in JPEG:
        return lambda data: _jpeg(bytes(data), layout, file.syntax, display)
    if file.syntax in J2K:
        return lambda data: _j2k(bytes(data), layout, file.syntax, display)
    if file.syntax in JPEG_LOSSLESS | JPEG_LS:
        _need_gdcm(file)
        return lambda data: _lossless(bytes(data), full, file.syntax, display)
    raise InputError(
        f"{file.name}: edgeecho has no decoder for its pixels ({syntax_name(file.syntax)}): "
        "export it as JPEG, JPEG 2000, RLE, H.264 or uncompressed"
    )


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
    if syntax not in JPEG_LS:
        data = strip_lossless(data, stream)
    with overheard() as complained:
        pixels = _pydicom(data, layout, syntax, "gdcm")
        if complained():
            raise BrokenFrameError("their data are damaged")
    return display.show(pixels)


def _native(data: Encoded, layout: Layout, big_endian: bool) -> NDArray[np.generic]:
    return _decode(data, layout, BIG_ENDIAN if big_endian else LITTLE_ENDIAN)


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
