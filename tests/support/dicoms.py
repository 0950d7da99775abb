"""Real DICOM cines in every encoding, made from one phantom."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import gdcm
import numpy as np
from media import jpegs, phantom_frames
from PIL import Image
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import (
    HEVCMP51,
    JPEG2000,
    MPEG2MPML,
    MPEG4HP41,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    UltrasoundMultiFrameImageStorage,
)

from edgeecho.cine import DEFAULT_LIMITS, Cine
from edgeecho.cine.dicom import reader
from edgeecho.cine.dicom.file import open_dicom
from edgeecho.cine.dicom.quiet import quiet


def write_dicom(
    path: Path,
    pixels: np.ndarray,
    *,
    encoded: list[bytes] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    with_offsets: bool = False,
    **attributes: object,
) -> Path:
    """Write an ultrasound cine: of these pixels, or these encoded frames of the same size.

    `with_offsets` says whether encoded frames get a table of offsets. Attributes go in by name,
    None takes one out.
    """
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
    # Not a random one: random changes must hit the same bytes every time.
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.8.498.1"
    dataset.PatientName = "Secret^Patient"
    dataset.Rows, dataset.Columns = pixels.shape[1:3]
    dataset.NumberOfFrames = len(pixels)
    dataset.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
    dataset.PlanarConfiguration = 0
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if encoded is None:
        dataset.PixelData = pixels.tobytes()
        dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    else:
        dataset.PixelData = encapsulate(encoded, has_bot=with_offsets)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    for name, value in attributes.items():
        if value is None:
            del dataset[name]
        else:
            setattr(dataset, name, value)
    # Forced, so that syntaxes that pydicom does not know can be written too.
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.preamble = bytes(128)
    dcmwrite(path, dataset, implicit_vr=False, little_endian=True, force_encoding=True)
    return path


def read_pictures(path: Path) -> Cine:
    """The pictures of any DICOM image, stills and X-rays too, by the reader of cines."""
    with quiet():
        return reader.read_pictures(open_dicom(path, DEFAULT_LIMITS), DEFAULT_LIMITS)


def _native(path: Path) -> Path:
    return write_dicom(path, phantom_frames(), FrameTime=20)


def _grey16(path: Path) -> Path:
    grey = phantom_frames()[..., 1].astype(np.uint16) * 16
    return write_dicom(path, grey, BitsStored=12, HighBit=11, FrameTime=20)


def _inverted(path: Path) -> Path:
    grey = 255 - phantom_frames()[..., 1]
    return write_dicom(path, grey, PhotometricInterpretation="MONOCHROME1", FrameTime=20)


def _palette(path: Path) -> Path:
    table = (np.arange(256, dtype="<u2") * 257).tobytes()
    colours = ("Red", "Green", "Blue")
    return write_dicom(
        path,
        np.ascontiguousarray(phantom_frames()[..., 1]),
        PhotometricInterpretation="PALETTE COLOR",
        FrameTime=20,
        **{f"{c}PaletteColorLookupTableDescriptor": [256, 0, 16] for c in colours},
        **{f"{c}PaletteColorLookupTableData": table for c in colours},
    )


def _rle(path: Path) -> Path:
    frames = phantom_frames()
    options = {
        "rows": 112, "columns": 112, "samples_per_pixel": 3, "number_of_frames": 1,
        "bits_allocated": 8, "bits_stored": 8, "pixel_representation": 0,
        "photometric_interpretation": "RGB", "planar_configuration": 0,
    }  # fmt: skip
    encoded = [RLELosslessEncoder.encode(frame.tobytes(), **options) for frame in frames]
    return write_dicom(path, frames, encoded=encoded, syntax=RLELossless, FrameTime=20)


def _jpeg(path: Path) -> Path:
    return write_dicom(
        path,
        phantom_frames(),
        encoded=jpegs(),
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation="YBR_FULL_422",
        FrameTime=20,
    )


def _jpeg2000(lossless: bool) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        encoded = []
        for frame in phantom_frames():
            stream = io.BytesIO()
            Image.fromarray(frame).save(
                stream, "JPEG2000", no_jp2=True, mct=1, irreversible=not lossless
            )
            encoded.append(stream.getvalue())
        return write_dicom(
            path,
            phantom_frames(),
            encoded=encoded,
            syntax=JPEG2000Lossless if lossless else JPEG2000,
            PhotometricInterpretation="YBR_RCT" if lossless else "YBR_ICT",
            FrameTime=20,
        )

    return write


def _gdcm(syntax: str, kind: int) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(_native(path)))
        assert reader.Read()
        converter = gdcm.ImageChangeTransferSyntax()
        converter.SetTransferSyntax(gdcm.TransferSyntax(kind))
        converter.SetInput(reader.GetImage())
        assert converter.Change()
        pixels = converter.GetOutput().GetDataElement().GetSequenceOfFragments()
        values = [
            pixels.GetFragment(i).GetByteValue() for i in range(pixels.GetNumberOfFragments())
        ]
        encoded = [v.GetBuffer().encode("utf-8", "surrogateescape") for v in values]
        return write_dicom(path, phantom_frames(), encoded=encoded, syntax=syntax, FrameTime=20)

    return write


def _stream(syntax: str, codec: str, container: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        target = io.BytesIO()
        options = {"x265-params": "log-level=none:pools=1:frame-threads=1"}
        with av.open(target, "w", format=container) as output:
            stream = output.add_stream(
                codec, rate=50, options=options if codec == "libx265" else {}
            )
            stream.codec_context.thread_count = 1
            stream.width, stream.height, stream.pix_fmt = 112, 112, "yuv420p"
            for frame in phantom_frames():
                output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            output.mux(stream.encode())
        return write_dicom(
            path,
            phantom_frames(),
            encoded=[target.getvalue()],
            syntax=syntax,
            PhotometricInterpretation="YBR_PARTIAL_420",
            FrameTime=20,
        )

    return write


DICOM_FORMATS: dict[str, Callable[[Path], Path]] = {
    "DICOM, uncompressed RGB": _native,
    "DICOM, 12 of 16 bits grey": _grey16,
    "DICOM, MONOCHROME1": _inverted,
    "DICOM, PALETTE COLOR": _palette,
    "DICOM, RLE": _rle,
    "DICOM, JPEG baseline": _jpeg,
    "DICOM, JPEG lossless": _gdcm(JPEGLosslessSV1, gdcm.TransferSyntax.JPEGLosslessProcess14_1),
    "DICOM, JPEG-LS": _gdcm(JPEGLSLossless, gdcm.TransferSyntax.JPEGLSLossless),
    "DICOM, JPEG 2000 lossless": _jpeg2000(True),
    "DICOM, JPEG 2000": _jpeg2000(False),
    "DICOM, MPEG-2": _stream(MPEG2MPML, "mpeg2video", "mpeg2video"),
    "DICOM, H.264": _stream(MPEG4HP41, "libx264", "h264"),
    "DICOM, HEVC": _stream(HEVCMP51, "libx265", "hevc"),
}
"""Name -> a function that writes 100 frames at 50 frames/s to a path."""
