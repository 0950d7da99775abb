from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.examples import get_path
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid

from edgeecho.cine import read_cine
from edgeecho.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 20, 30, 3), dtype=np.uint8)


@pytest.fixture
def write_dicom(tmp_path: Path) -> Callable[..., Path]:
    """Write an uncompressed ultrasound cine with the given attributes."""

    def write(pixels: np.ndarray = PIXELS, **attributes: object) -> Path:
        dataset = Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.SOPClassUID = UltrasoundMultiFrameImageStorage
        dataset.SOPInstanceUID = generate_uid()
        dataset.PatientName = "Secret^Patient"
        dataset.Rows, dataset.Columns = pixels.shape[1:3]
        dataset.NumberOfFrames = len(pixels)
        dataset.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
        dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
        dataset.PlanarConfiguration = 0
        bits = pixels.dtype.itemsize * 8
        dataset.BitsAllocated = dataset.BitsStored = bits
        dataset.HighBit, dataset.PixelRepresentation = bits - 1, 0
        dataset.PixelData = pixels.tobytes()
        for name, value in attributes.items():
            setattr(dataset, name, value)
        path = tmp_path / "cine.dcm"
        dataset.save_as(path, enforce_file_format=True)
        return path

    return write


def test_the_real_cine_in_pydicoms_wheel_is_read_whole() -> None:
    cine = read_cine(Path(str(get_path("ybr_color"))))
    assert cine.frames.shape == (30, 240, 320, 3)
    assert cine.fps == pytest.approx(30, abs=0.01)
    assert cine.fps_source == "FrameTime"
    assert cine.container == "dicom"
    # YBR was turned into RGB: the sector is grey, so its channels are nearly equal.
    sector = cine.frames[:, 80:200, 120:200].astype(int)
    assert np.abs(sector[..., 0] - sector[..., 2]).mean() < 6
    assert 10 < sector.mean() < 120


def test_pixels_come_back_exactly(write_dicom: Callable[..., Path]) -> None:
    assert (read_cine(write_dicom(FrameTime=20)).frames == PIXELS).all()


def test_grey_frames_become_three_equal_channels(write_dicom: Callable[..., Path]) -> None:
    cine = read_cine(write_dicom(PIXELS[..., 0].copy(), FrameTime=20))
    assert (cine.frames == PIXELS[..., :1]).all()


@pytest.mark.parametrize(
    ("attributes", "fps", "source"),
    [
        ({"FrameTime": 20, "CineRate": 30}, 50, "FrameTime"),
        ({"FrameTimeVector": [0, *[25] * 11], "FrameTime": 20}, 40, "FrameTimeVector"),
        ({"RecommendedDisplayFrameRate": 60, "CineRate": 30}, 60, "RecommendedDisplayFrameRate"),
        ({"CineRate": 30}, 30, "CineRate"),
        ({"FrameTimeVector": [0, 0, 0], "FrameTime": 20}, 50, "FrameTime"),
        ({"FrameTime": -20, "CineRate": 30}, 30, "CineRate"),
        ({"CineRate": 0}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_the_frame_rate_says_where_it_came_from(
    write_dicom: Callable[..., Path], attributes: dict, fps: float | None, source: str
) -> None:
    cine = read_cine(write_dicom(**attributes))
    assert cine.fps == (None if fps is None else pytest.approx(fps))
    assert cine.fps_source == source
    assert np.isfinite(cine.timestamps_s).all() == (fps is not None)


def test_an_attribute_that_is_no_number_counts_as_missing(
    write_dicom: Callable[..., Path],
) -> None:
    path = write_dicom(FrameTime="20.00000", CineRate=30)
    data = path.read_bytes()
    assert data.count(b"20.00000") == 1
    path.write_bytes(data.replace(b"20.00000", b"2(.0abc)"))
    cine = read_cine(path)
    assert (cine.fps, cine.fps_source) == (pytest.approx(30), "CineRate")


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "PALETTE COLOR", "HSV"])
def test_pixels_that_would_come_out_wrong_are_refused_by_name(
    write_dicom: Callable[..., Path], photometric: str
) -> None:
    path = write_dicom(PIXELS[..., 0].copy(), PhotometricInterpretation=photometric)
    with pytest.raises(InputError, match=f"{photometric} is not supported"):
        read_cine(path)


def test_an_uneven_frame_time_vector_gives_uneven_time_stamps(
    write_dicom: Callable[..., Path],
) -> None:
    steps = [0, *[20, 40] * 5, 20]
    cine = read_cine(write_dicom(FrameTimeVector=steps))
    assert cine.timestamps_s == pytest.approx(np.cumsum(steps) / 1000)


def test_sixteen_bit_pixels_are_refused_by_name(write_dicom: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="uint16 pixels are not supported"):
        read_cine(write_dicom(PIXELS[..., 0].astype(np.uint16)))


def test_a_truncated_file_is_an_error_without_the_patients_name(
    write_dicom: Callable[..., Path],
) -> None:
    path = write_dicom()
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(InputError) as caught:
        read_cine(path)
    assert "Secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_dicom_without_an_image_is_an_error(write_dicom: Callable[..., Path]) -> None:
    path = write_dicom()
    dataset = dcmread(path)
    del dataset.PixelData
    dataset.save_as(path)
    with pytest.raises(InputError, match="without an image"):
        read_cine(path)


def test_garbage_behind_a_dicom_preamble_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(b"\0" * 128 + b"DICM" + bytes(range(256)) * 4)
    with pytest.raises(InputError):
        read_cine(path)
