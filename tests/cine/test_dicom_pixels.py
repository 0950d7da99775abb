"""Pixels against an independent decode: pydicom's, or what was encoded."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from dicoms import read_pictures
from PIL import Image
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.encaps import generate_fragments
from pydicom.pixels import apply_color_lut, iter_pixels
from pydicom.pixels.decoders import JPEGBaseline8BitDecoder
from pydicom.uid import (
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from edgeecho.cine.dicom import decode
from edgeecho.common.errors import InputError, MissingDependencyError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), dtype=np.uint8)
GREY = PIXELS[..., 0].copy()


def real(name: str) -> Path:
    return Path(get_testdata_file(name, download=False))


def by_pydicom(path: Path) -> np.ndarray:
    """`(T, H, W, 3)`; JPEG and JPEG 2000 by gdcm, which the reader uses for neither."""
    dataset = dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frames = np.stack(list(iter_pixels(dataset)))
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        frames = np.asarray(apply_color_lut(frames, dataset))
        frames = (frames >> 8 if frames.dtype == np.uint16 else frames).astype(np.uint8)
    frames = frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, axis=-1)
    if "PixelAspectRatio" in dataset:  # higher than wide
        down, across = dataset.PixelAspectRatio
        size = frames.shape[2], round(frames.shape[1] * down / across)
        frames = np.stack([cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in frames])
    return frames


@pytest.mark.parametrize(
    "name",
    [
        "examples_rgb_color.dcm",
        "examples_palette.dcm",
        "examples_jpeg2k.dcm",  # YBR_RCT
        "US1_J2KI.dcm",  # YBR_ICT, lossy
        "US1_J2KR.dcm",
        "SC_rgb_gdcm_KY.dcm",  # JPEG 2000, RGB
        "color-pl.dcm",  # pixels of 4:3
        "color-px.dcm",
        "ExplVR_BigEnd.dcm",
        "SC_rgb_expb_2frame.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_ybr_full_uncompressed.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "SC_rgb_rle_2frame.dcm",
        "OBXXXX1A_2frame.dcm",
        "OBXXXX1A_rle_2frame.dcm",
        "OT-PAL-8-face.dcm",  # no preamble
        "gdcm-US-ALOKA-16.dcm",  # 16-bit indices, segmented tables
        "gdcm-US-ALOKA-16_big.dcm",
        "image_dfl.dcm",
        "JPGLosslessP14SV1_1s_1f_8b.dcm",
        "SC_rgb_jpeg_gdcm.dcm",  # JPEG Lossless, RGB
        "JPEGLSNearLossless_08.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
    ],
)
def test_real_files_equal_pydicoms_decoding(name: str) -> None:
    cine = read_pictures(real(name))
    assert (cine.frames == by_pydicom(real(name))).all()
    assert cine.damage == ()


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "color3d_jpeg_baseline.dcm",
        "examples_ybr_color.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+s4.dcm",
        "SC_rgb_jpeg.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
    ],
)
def test_real_jpeg_files_equal_pydicoms_decoding(name: str) -> None:
    cine = read_pictures(real(name))
    difference = np.abs(cine.frames.astype(int) - by_pydicom(real(name)))
    assert difference.max() <= 2
    assert difference.mean() < 0.5
    assert cine.damage == ()


@pytest.mark.parametrize(
    "name",
    ["RLE", "big_endian", "jpeg_2k_lossless", "jpeg_ls_lossless", "jpeg_2k_lossless_too_short"],
)
def test_one_cine_in_many_encodings(name: str) -> None:
    expected = read_pictures(real("emri_small.dcm"))
    assert expected.frames.shape == (10, 64, 64, 3)
    cine = read_pictures(real(f"emri_small_{name}.dcm"))
    assert (cine.frames == expected.frames).all()
    assert bool(cine.damage) == name.endswith("too_short")


def test_a_palette_of_a_big_endian_file() -> None:
    # pydicom 3.0 reads its 16-bit entries with their bytes swapped.
    expected = read_pictures(real("OBXXXX1A_2frame.dcm"))
    assert (read_pictures(real("OBXXXX1A_expb_2frame.dcm")).frames == expected.frames).all()


SMOOTH = cv2.resize(PIXELS[0, :6, :8], (96, 64), interpolation=cv2.INTER_CUBIC)
JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
ADOBE = b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0"


def jpeg(jfif: bool, adobe: int | None, ids: bytes, transformed: bool) -> bytes:
    """SMOOTH as a JPEG with these markers and IDs of its components."""
    stream = io.BytesIO()
    Image.fromarray(SMOOTH).save(
        stream, "JPEG", quality=97, subsampling=0, keep_rgb=not transformed
    )
    data = bytearray(stream.getvalue())
    kept = b"\xff\xd8" + (JFIF if jfif else b"")
    kept += b"" if adobe is None else ADOBE + bytes([adobe])
    at = 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xC0:
            data[at + 10 : end : 3] = ids
        if data[at + 1] not in (0xE0, 0xEE):
            kept += data[at:end]
        at = end
    data[at + 5 : at + 11 : 2] = ids
    return bytes(kept + data[at:])


PLAIN = b"\x01\x02\x03"


@pytest.mark.parametrize(
    ("photometric", "jfif", "adobe", "ids", "transformed"),
    [
        ("YBR_FULL_422", True, None, PLAIN, True),
        ("YBR_FULL_422", False, None, PLAIN, True),
        ("YBR_FULL", False, None, PLAIN, True),
        ("YBR_FULL_422", False, 1, PLAIN, True),
        ("YBR_FULL_422", False, None, b"\x00\x01\x02", True),
        ("YBR_FULL_422", False, None, b"RGB", False),
        ("RGB", False, None, PLAIN, False),
        ("RGB", False, None, b"RGB", False),
        ("RGB", False, 0, b"RGB", False),
        ("RGB", False, 0, PLAIN, False),
        ("RGB", True, None, PLAIN, True),
        ("RGB", False, 1, PLAIN, True),
    ],
)
def test_colours_of_jpeg_whatever_its_markers_say(
    write_dicom: Callable[..., Path],
    photometric: str,
    jfif: bool,
    adobe: int | None,
    ids: bytes,
    transformed: bool,
) -> None:
    frames = [jpeg(jfif, adobe, ids, transformed)] * 3
    path = write_dicom(
        np.stack([SMOOTH] * 3),
        encoded=frames,
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation=photometric,
    )
    cine = read_pictures(path)
    difference = np.abs(cine.frames.astype(int) - SMOOTH)
    assert difference.mean() < 1.5
    assert difference.max() <= 12
    if adobe != 1:  # pydicom 3.0 converts YBR twice then, and gdcm takes RGB by its word
        difference = np.abs(cine.frames.astype(int) - by_pydicom(path))
        assert difference.max() <= 2
        assert difference.mean() < 0.5


def test_grey_jpeg(write_dicom: Callable[..., Path]) -> None:
    grey = SMOOTH[..., 0].copy()
    data = cv2.imencode(".jpg", grey)[1].tobytes()
    path = write_dicom(grey[None], encoded=[data], syntax=JPEGBaseline8Bit)
    assert (read_pictures(path).frames == by_pydicom(path)).all()
    inverted = write_dicom(
        grey[None],
        encoded=[data],
        syntax=JPEGBaseline8Bit,
        PhotometricInterpretation="MONOCHROME1",
    )
    assert (read_pictures(inverted).frames == 255 - by_pydicom(inverted)).all()


def test_pixels_come_back_exactly(write_dicom: Callable[..., Path]) -> None:
    assert (read_pictures(write_dicom()).frames == PIXELS).all()
    assert (read_pictures(write_dicom(GREY)).frames == PIXELS[..., :1]).all()
    planes = np.ascontiguousarray(PIXELS.transpose(0, 3, 1, 2))
    path = write_dicom(PIXELS, PixelData=planes.tobytes(), PlanarConfiguration=1)
    assert (read_pictures(path).frames == PIXELS).all()


def test_monochrome1_is_inverted(write_dicom: Callable[..., Path]) -> None:
    path = write_dicom(GREY, PhotometricInterpretation="MONOCHROME1")
    assert (read_pictures(path).frames == 255 - PIXELS[..., :1]).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
@pytest.mark.parametrize("with_offsets", [True, False])
def test_rle(write_dicom: Callable[..., Path], dtype: type, with_offsets: bool) -> None:
    pixels = np.random.default_rng(1).integers(-9, 9, (4, 33, 31)).repeat(3, axis=2).astype(dtype)
    native = write_dicom(pixels)
    expected = read_pictures(native).frames
    dataset = dcmread(native)
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    frames = [bytes(item) for item in generate_fragments(dataset.PixelData)][1:]
    path = write_dicom(pixels, encoded=frames, syntax=RLELossless, with_offsets=with_offsets)
    cine = read_pictures(path)
    assert (cine.frames == expected).all()
    assert cine.damage == ()


@pytest.mark.parametrize(
    ("values", "attributes", "expected"),
    [
        ([0, 32768, 65535], {}, [0, 128, 255]),
        ([0, 2048, 4095], {"BitsStored": 12, "HighBit": 11}, [0, 128, 255]),
        ([0, 100, 255], {"BitsStored": 8, "HighBit": 7}, [0, 100, 255]),
        # y = ((x - (c - 0.5)) / (w - 1) + 0.5) * 255
        (
            [0, 599, 1000, 1400, 65535],
            {"WindowCenter": 1000, "WindowWidth": 801},
            [0, 0, 128, 255, 255],
        ),
        ([999, 1000], {"WindowCenter": 1000, "WindowWidth": 1}, [0, 255]),
        (
            [100, 500, 900],
            {"WindowCenter": 500, "WindowWidth": 800, "VOILUTFunction": "LINEAR_EXACT"},
            [0, 128, 255],
        ),
        (
            [100, 500, 900],
            {"WindowCenter": 500, "WindowWidth": 800, "VOILUTFunction": "SIGMOID"},
            [30, 128, 225],
        ),
        (
            [0, 50, 100],
            {
                "WindowCenter": [100, 7],
                "WindowWidth": [401, 9],
                "RescaleSlope": 4,
                "RescaleIntercept": -100,
            },
            [0, 128, 255],
        ),
        ([0, 65535], {"WindowCenter": 5, "WindowWidth": 0}, [0, 255]),  # no window
        ([0, 65535], {"WindowCenter": 5}, [0, 255]),
    ],
)
def test_sixteen_bits_are_shown_through_the_window_or_the_whole_range(
    write_dicom: Callable[..., Path], values: list[int], attributes: dict, expected: list[int]
) -> None:
    pixels = np.broadcast_to(np.asarray(values, np.uint16), (2, 4, len(values))).copy()
    cine = read_pictures(write_dicom(pixels, **attributes))
    assert cine.frames[0, 0, :, 0].tolist() == pytest.approx(expected, abs=1)
    assert (cine.frames == cine.frames[:1, :1, :, :1]).all()
    inverted = write_dicom(pixels, PhotometricInterpretation="MONOCHROME1", **attributes)
    assert (read_pictures(inverted).frames == 255 - cine.frames).all()


def test_signed_pixels_do_not_wrap_around(write_dicom: Callable[..., Path]) -> None:
    ramp = np.broadcast_to(np.linspace(-32768, 32767, 50).astype(np.int16), (2, 4, 50)).copy()
    shown = read_pictures(write_dicom(ramp)).frames[0, 0, :, 0].astype(int)
    assert (shown[0], shown[-1]) == (0, 255)
    assert (np.diff(shown) > 0).all()
    shown = read_pictures(write_dicom(ramp, WindowCenter=0, WindowWidth=20000)).frames[0, 0, :, 0]
    assert (np.diff(shown.astype(int)) >= 0).all()
    assert (shown[0], shown[-1]) == (0, 255)
    small = np.broadcast_to(np.arange(-128, 128).astype(np.int8), (2, 4, 256)).copy()
    assert read_pictures(write_dicom(small)).frames[0, 0, :, 0].tolist() == list(range(256))


def test_big_endian_sixteen_bits(write_dicom: Callable[..., Path]) -> None:
    ramp = np.arange(0, 65536, 256, dtype=np.uint16).reshape(1, 16, 16)
    expected = read_pictures(write_dicom(ramp)).frames
    path = write_dicom(ramp)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    dataset.PixelData = ramp.byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    dcmwrite(path, dataset, implicit_vr=False, little_endian=False, force_encoding=True)
    assert (read_pictures(path).frames == expected).all()


def test_colour_of_sixteen_bits(write_dicom: Callable[..., Path]) -> None:
    wide = PIXELS.astype(np.uint16) * 257
    assert (read_pictures(write_dicom(wide)).frames == PIXELS).all()


def palette(entries: list[int], bits: int, first: int = 0) -> dict:
    attributes: dict[str, object] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for i, colour in enumerate(("Red", "Green", "Blue")):
        table = np.roll(np.asarray(entries), i).astype(f"<u{bits // 8}")
        attributes[f"{colour}PaletteColorLookupTableDescriptor"] = [len(entries), first, bits]
        attributes[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return attributes


@pytest.mark.parametrize(
    ("entries", "bits", "shown"),
    [
        ([10, 20, 30, 40], 8, [10, 20, 30, 40]),
        ([0x0A00, 0x14FF, 0x1E80, 0x2801], 16, [10, 20, 30, 40]),
        ([10, 20, 30, 40], 16, [10, 20, 30, 40]),  # 8-bit values in 16-bit entries
    ],
)
def test_palettes(
    write_dicom: Callable[..., Path], entries: list[int], bits: int, shown: list[int]
) -> None:
    indices = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    cine = read_pictures(write_dicom(indices, **palette(entries, bits, first=2)))
    # Below the first entry is the first, beyond the last is the last.
    clipped = np.clip(np.arange(8) - 2, 0, 3)
    for channel in range(3):
        assert (cine.frames[0, ..., channel].ravel() == np.roll(shown, channel)[clipped]).all()


@pytest.mark.parametrize(
    "change",
    [
        {"RedPaletteColorLookupTableData": None},
        {"RedPaletteColorLookupTableDescriptor": None},
        {"GreenPaletteColorLookupTableData": b"\1\2"},
        {"RedPaletteColorLookupTableDescriptor": [4, 0, 12]},
    ],
)
def test_a_broken_palette_is_an_error(write_dicom: Callable[..., Path], change: dict) -> None:
    attributes = palette([10, 20, 30, 40], 16)
    if next(iter(change)) == "RedPaletteColorLookupTableDescriptor" and change[next(iter(change))]:
        attributes["RedPaletteColorLookupTableData"] = b"123456"
    attributes |= change
    attributes = {name: value for name, value in attributes.items() if value is not None}
    path = write_dicom(np.ones((1, 2, 4), np.uint8), **attributes)
    with pytest.raises(InputError, match="colour table is damaged or missing"):
        read_pictures(path)


@pytest.mark.parametrize("photometric", ["HSV", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "CMYK"])
def test_colours_that_would_come_out_wrong_are_refused_by_name(
    write_dicom: Callable[..., Path], photometric: str
) -> None:
    path = write_dicom(PhotometricInterpretation=photometric)
    with pytest.raises(InputError, match=f"{photometric} is not supported: export it as one of"):
        read_pictures(path)


def test_j2k_with_an_outer_file_format(write_dicom: Callable[..., Path]) -> None:
    stream = io.BytesIO()
    Image.fromarray(SMOOTH).save(stream, "JPEG2000")  # JP2 boxes, not allowed in DICOM
    path = write_dicom(SMOOTH[None], encoded=[stream.getvalue()], syntax=JPEG2000Lossless)
    assert (read_pictures(path).frames[0] == SMOOTH).all()


def test_lossless_codecs_without_gdcm_say_what_to_install(
    write_dicom: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode.util, "find_spec", lambda name: None)
    path = write_dicom(encoded=[b"12345678"] * 12, syntax=JPEGLSLossless)
    with pytest.raises(MissingDependencyError, match=r"JPEG-LS.*'edgeecho\[dicom-lossless\]'"):
        read_pictures(path)


def test_other_plug_ins_of_pydicom_are_never_picked(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(data: bytes, runner: object) -> bytes:
        raise AssertionError("pylibjpeg was called")

    # With colours that need pydicom: no marker says that they are RGB.
    monkeypatch.setitem(JPEGBaseline8BitDecoder._available, "pylibjpeg", forbidden)
    monkeypatch.setitem(JPEGBaseline8BitDecoder._available, "gdcm", forbidden)
    assert read_pictures(real("SC_jpeg_no_color_transform.dcm")).damage == ()
