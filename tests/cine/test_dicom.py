from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.data import get_testdata_file
from pydicom.examples import get_path
from pydicom.uid import (
    HTJ2K,
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from edgeecho.cine import DecodeLimits, Region
from edgeecho.cine.dicom import is_dicom, read_dicom
from edgeecho.common.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), dtype=np.uint8)


def test_a_small_file_takes_no_memory_for_the_largest_that_is_allowed() -> None:
    path = Path(str(get_path("ybr_color")))
    tracemalloc.start()
    read_dicom(path, DecodeLimits(megabytes=2_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000


def test_the_real_cine_in_pydicoms_wheel_is_read_whole() -> None:
    cine = read_dicom(Path(str(get_path("ybr_color"))))
    assert cine.frames.shape == (30, 240, 320, 3)
    assert cine.fps == pytest.approx(30, abs=0.01)
    assert cine.fps_source == "FrameTime"
    assert (cine.container, cine.codec) == ("dicom", "JPEG Baseline (Process 1)")
    assert cine.damage == ()
    # YBR was turned into RGB: the sector is grey, so its channels are nearly equal.
    sector = cine.frames[:, 80:200, 120:200].astype(int)
    assert np.abs(sector[..., 0] - sector[..., 2]).mean() < 6
    assert 10 < sector.mean() < 120
    # Its region ends at (595, 414), outside the image.
    assert cine.regions == (Region(x=84, y=31, width=236, height=209),)


def test_the_whole_real_cine() -> None:
    cine = read_dicom(Path(get_testdata_file("color3d_jpeg_baseline.dcm", download=False)))
    assert cine.frames.shape == (120, 480, 640, 3)
    assert cine.timestamps_s[-1] == pytest.approx(119 / 30, abs=0.001)
    assert cine.damage == ()
    assert cine.regions == (Region(x=84, y=31, width=512, height=384),)


def test_dicom_is_known_by_its_content(write_dicom: Callable[..., Path]) -> None:
    data = write_dicom().read_bytes()
    assert is_dicom(data[:132])
    assert is_dicom(data[132:264])  # no preamble: group 0002 comes first
    old = Path(get_testdata_file("OT-PAL-8-face.dcm", download=False)).read_bytes()
    assert is_dicom(old[:132])
    assert old[128:132] != b"DICM"
    for other in (b"", b"RIFF", b"\x08\x00", bytes(132), bytes(range(132)), b"\xff" * 132):
        assert not is_dicom(other)


def test_files_without_preamble_or_transfer_syntax(write_dicom: Callable[..., Path]) -> None:
    path = write_dicom(FrameTime=20)
    dataset = dcmread(path)
    whole = path.read_bytes()
    path.write_bytes(whole[132:])
    assert (read_dicom(path).frames == PIXELS).all()
    for implicit in (True, False):
        dcmwrite(path, dataset, implicit_vr=implicit, little_endian=True, force_encoding=True)
        bare = path.read_bytes()
        path.write_bytes(bare[bare.index(b"\x08\x00\x16\x00") :])
        cine = read_dicom(path)
        assert (cine.frames == PIXELS).all()
        assert cine.codec == "no transfer syntax given"


def test_a_dicom_without_an_image_is_an_error(write_dicom: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="without an image"):
        read_dicom(write_dicom(PixelData=None))


def test_what_is_no_dicom_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(bytes(range(256)) * 4)
    with pytest.raises(InputError, match=r"a\.dcm is not a DICOM file"):
        read_dicom(path)
    path.write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)) * 4)
    with pytest.raises(InputError):
        read_dicom(path)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        (HTJ2K, "High-Throughput JPEG 2000"),
        ("1.2.840.10008.1.2.4.94", "JPIP Referenced"),
        ("1.2.840.10008.1.2.4.112", "JPEG XL"),
        ("1.2.840.10008.1.2.7.1", "SMPTE ST 2110-20"),
        ("1.2.840.113619.5.2", "unknown transfer syntax"),  # private
    ],
)
def test_pixels_without_a_decoder_are_refused_by_name(
    write_dicom: Callable[..., Path], syntax: str, words: str
) -> None:
    path = write_dicom(encoded=[b"12345678"] * 12, syntax=syntax)
    with pytest.raises(InputError, match=f"has no decoder for its pixels .{words}.*: export it as"):
        read_dicom(path)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DecodeLimits(pixels=599), "30x20, over the limit of 599 pixels"),
        (DecodeLimits(frames=11), "more than 11 frames"),
        (DecodeLimits(megabytes=0), "larger than 0 MB"),
    ],
)
def test_limits_are_kept(
    write_dicom: Callable[..., Path], limits: DecodeLimits, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        read_dicom(write_dicom(), limits)


def test_decoded_frames_count_against_the_limit(write_dicom: Callable[..., Path]) -> None:
    black = np.zeros((30, 100, 120, 3), np.uint8)
    black[:, 50] = 9
    path = write_dicom(black)
    dataset = dcmread(path)
    dataset.compress(RLELossless, encoding_plugin="pydicom")
    dataset.save_as(path)
    with pytest.raises(InputError, match=r"its decoded frames need more than 1 MB \(27 frames"):
        read_dicom(path, DecodeLimits(megabytes=1))


def test_a_deflated_file_that_is_larger_than_the_limit_is_not_even_parsed(
    write_dicom: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_dicom(np.zeros((2, 1000, 1000, 3), np.uint8), ImageComments="x")
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(path)
    assert path.stat().st_size < 20_000
    monkeypatch.delattr("edgeecho.cine.dicom.file.read_partial")
    with pytest.raises(InputError, match="larger than 5 MB when inflated"):
        read_dicom(path, DecodeLimits(megabytes=5))


@pytest.mark.parametrize("syntax", [DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_encodings_of_the_header(write_dicom: Callable[..., Path], syntax: str) -> None:
    path = write_dicom(FrameTime=20)
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    implicit = syntax == ImplicitVRLittleEndian
    dcmwrite(path, dataset, implicit_vr=implicit, little_endian=True, force_encoding=True)
    cine = read_dicom(path)
    assert (cine.frames == PIXELS).all()
    assert cine.fps == 50


def test_videos_do_not_pay_for_pydicom() -> None:
    code = "import sys, edgeecho.cine.dicom; assert 'pydicom' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
