"""Pixels that are not square: whatever says so, the picture is stretched before anything else."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from dicoms import DICOM_FORMATS
from media import phantom_frames, write_video
from pydicom import Dataset, dcmread

from edgeecho.cine import Cine, DecodeLimits, Region, read_cine
from edgeecho.common.errors import InputError


def _squeezed(ratio: float) -> np.ndarray:
    """Frames of an example as they are stored with pixels `ratio` times as wide as high."""
    big = [cv2.resize(frame, (240, 240), interpolation=cv2.INTER_CUBIC) for frame in _some()]
    size = (round(240 / ratio), 240) if ratio > 1 else (240, round(240 * ratio))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in big])


def _some() -> np.ndarray:
    return phantom_frames()[:12]


def _write(path: Path, codec: str, ratio: float, pixels: str = "yuv420p", **options: str) -> Path:
    frames = _squeezed(ratio)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=50, options=options)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        stream.codec_context.thread_count = 1
        stream.codec_context.sample_aspect_ratio = Fraction(ratio).limit_denominator(100)
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _looks_square(cine: Cine) -> None:
    assert cine.frames.shape == (12, 240, 240, 3)
    whole = np.stack([cv2.resize(f, (240, 240), interpolation=cv2.INTER_CUBIC) for f in _some()])
    assert np.abs(cine.frames.astype(int) - whole).mean() < 6  # left squeezed it is 34
    assert cine.notes


X265 = {"x265-params": "log-level=none:pools=1:frame-threads=1"}


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {}),  # `pasp` and VUI
        ("a.mov", "libx264", {}),
        ("a.mp4", "libx265", X265),
        ("a.avi", "mpeg4", {}),  # in the codec's header
        ("a.ts", "libx264", {}),
        ("a.264", "libx264", {}),
        ("a.265", "libx265", X265),
    ],
)
@pytest.mark.parametrize("ratio", [2.0, 0.5])
def test_what_a_video_says_is_honoured(
    tmp_path: Path, name: str, codec: str, options: dict, ratio: float
) -> None:
    path = _write(tmp_path / name, codec, ratio, **options)
    cine = read_cine(path)
    assert cine.pixel_aspect == pytest.approx(ratio, rel=0.01)
    _looks_square(cine)
    assert f"its pixels are {cine.pixel_aspect:.3g} times as wide as high" in cine.notes[0]


def test_mpeg_2_says_the_ratio_of_the_whole_picture(tmp_path: Path) -> None:
    path = tmp_path / "a.mpg"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg2video", rate=50)
        stream.height, stream.width, stream.pix_fmt = 112, 112, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)  # so it is 4:3
        for frame in _some():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    assert read_cine(path).frames.shape[1:3] == (112, 149)


def test_matroska_says_the_size_that_is_shown(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mkv", "ffv1", "yuv420p").read_bytes()
    # Video (PixelWidth, PixelHeight, DisplayUnit), MaxBlockAdditionID, Void: the void gives way to
    # DisplayWidth 224 and DisplayHeight 112.
    old = "e08a b08170 ba8170 54b28104 55ee8100 ec01000000000000020000"
    new = "e08e b08170 ba8170 54b081e0 54ba8170 55ee8100 ec850000000000"
    assert data.count(bytes.fromhex(old)) == 1
    (tmp_path / "a.mkv").write_bytes(data.replace(bytes.fromhex(old), bytes.fromhex(new)))
    cine = read_cine(tmp_path / "a.mkv")
    assert (cine.pixel_aspect, cine.frames.shape[1:3]) == (2, (112, 224))


def test_a_containers_ratio_goes_before_the_codecs(tmp_path: Path) -> None:
    data = bytearray(_write(tmp_path / "a.mp4", "libx264", 2.0).read_bytes())
    at = data.index(b"pasp")
    data[at + 4 : at + 12] = (1).to_bytes(4, "big") * 2  # the codec still says 2
    (tmp_path / "a.mp4").write_bytes(data)
    assert read_cine(tmp_path / "a.mp4").frames.shape == (12, 240, 120, 3)


def _dicom(write: Callable[..., Path], ratio: float, **attributes: object) -> Cine:
    return read_cine(write(_squeezed(ratio), FrameTime=20, **attributes))


@pytest.mark.parametrize(
    ("attributes", "ratio", "source"),
    [
        # Vertical, then horizontal size of a pixel.
        ({"PixelAspectRatio": [1, 2]}, 2.0, "PixelAspectRatio"),
        ({"PixelAspectRatio": [3, 2]}, 2 / 3, "PixelAspectRatio"),
        ({"PixelAspectRatio": ["11", "12"]}, 12 / 11, "PixelAspectRatio"),
        ({"PixelSpacing": [0.5, 1.0]}, 2.0, "PixelSpacing"),
        ({"PixelAspectRatio": [0, 0], "PixelSpacing": ["0.5", "1.0"]}, 2.0, "PixelSpacing"),
        ({"NominalScannedPixelSpacing": [1.0, 0.5]}, 0.5, "NominalScannedPixelSpacing"),
        ({"ImagerPixelSpacing": [1.0, 0.5]}, 0.5, "ImagerPixelSpacing"),
    ],
)
def test_what_a_dicom_file_says_is_honoured(
    write_dicom: Callable[..., Path], attributes: dict, ratio: float, source: str
) -> None:
    cine = _dicom(write_dicom, ratio, **attributes)
    _looks_square(cine)
    assert f"({source})" in cine.notes[0]


def test_attributes_that_differ_are_both_named(write_dicom: Callable[..., Path]) -> None:
    cine = read_cine(write_dicom(FrameTime=20, PixelAspectRatio=[1, 1], PixelSpacing=[0.5, 1]))
    assert cine.frames.shape[1:3] == (20, 30)
    assert cine.notes == (
        "PixelAspectRatio says that its pixels are 1 times as wide as high, PixelSpacing 2: "
        "PixelAspectRatio was believed",
    )


@pytest.mark.parametrize("spacing", [[0.03, 0.0302], [0.0305, 0.03], [1, 1]])
def test_almost_square_pixels_stay_as_they_are(
    write_dicom: Callable[..., Path], spacing: list[float]
) -> None:
    cine = read_cine(write_dicom(phantom_frames(), FrameTime=20, PixelSpacing=spacing))
    assert (cine.frames == phantom_frames()).all()
    assert cine.notes == ()


def test_regions_are_those_of_the_stretched_picture(write_dicom: Callable[..., Path]) -> None:
    item = Dataset()
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.RegionLocationMinX0, item.RegionLocationMinY0 = 10, 20
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = 109, 219
    cine = _dicom(write_dicom, 2.0, PixelAspectRatio=[1, 2], SequenceOfUltrasoundRegions=[item])
    assert cine.regions == (Region(20, 20, 200, 200),)


def _with(path: Path, **attributes: object) -> Path:
    dataset = dcmread(path)
    for name, value in attributes.items():
        setattr(dataset, name, value)
    dataset.save_as(path)
    return path


def test_a_video_in_dicom_is_as_the_dicom_header_says(tmp_path: Path) -> None:
    plain = DICOM_FORMATS["DICOM, H.264"](tmp_path / "a.dcm")
    assert read_cine(plain).frames.shape[1:3] == (112, 112)
    cine = read_cine(_with(plain, PixelAspectRatio=[1, 2]))
    assert (cine.frames.shape[1:3], cine.pixel_aspect) == ((112, 224), 2)
    assert cine.damage == ()


def test_of_two_that_differ_dicoms_is_taken_and_both_are_named(tmp_path: Path) -> None:
    plain = DICOM_FORMATS["DICOM, MPEG-2"](tmp_path / "a.dcm")  # its stream says square
    cine = read_cine(_with(plain, PixelAspectRatio=[1, 2]))
    assert cine.frames.shape[1:3] == (112, 224)
    assert cine.notes[1] == (
        "PixelAspectRatio says that its pixels are 2 times as wide as high, sample aspect ratio 1: "
        "PixelAspectRatio was believed"
    )


def _scale(across: float, down: float) -> Dataset:
    item = Dataset()
    item.RegionSpatialFormat = item.RegionDataType = 1
    item.PhysicalUnitsXDirection = item.PhysicalUnitsYDirection = 3  # cm
    item.PhysicalDeltaX, item.PhysicalDeltaY = across, down
    return item


@pytest.mark.parametrize(
    ("attributes", "warns"),
    [
        ({"SequenceOfUltrasoundRegions": [_scale(0.05, 0.05)]}, False),
        ({"SequenceOfUltrasoundRegions": [_scale(0.05, -0.0502)]}, False),
        ({"SequenceOfUltrasoundRegions": [_scale(0.05, 0.1)]}, True),
        (
            {"SequenceOfUltrasoundRegions": [_scale(0.1, 0.05)], "PixelAspectRatio": [1, 2]},
            False,
        ),
        (
            {"SequenceOfUltrasoundRegions": [_scale(0.05, 0.05)], "PixelAspectRatio": [1, 2]},
            True,
        ),
        ({"SequenceOfUltrasoundRegions": [_scale(0, 0.1)]}, False),
    ],
)
def test_a_scale_that_differs_across_and_down_warns(
    write_dicom: Callable[..., Path], attributes: dict, warns: bool
) -> None:
    notes = read_cine(write_dicom(FrameTime=20, **attributes)).notes
    assert any("the heart may be squeezed" in note for note in notes) == warns


def test_what_cannot_be_and_what_grows_over_the_limit_is_refused(
    write_dicom: Callable[..., Path],
) -> None:
    with pytest.raises(InputError, match=r"pixels are 500 times as wide as high \(PixelAspect"):
        read_cine(write_dicom(FrameTime=20, PixelAspectRatio=[1, 500]))
    path = write_dicom(FrameTime=20, PixelAspectRatio=[1, 4])
    assert read_cine(path, DecodeLimits(pixels=20 * 120)).frames.shape[1:3] == (20, 120)
    with pytest.raises(InputError, match="its frames are 120x20, over the limit"):
        read_cine(path, DecodeLimits(pixels=20 * 120 - 1))
