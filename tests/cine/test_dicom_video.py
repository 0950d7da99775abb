"""MPEG-2, H.264 and HEVC inside DICOM, against PyAV's decoding of the same stream."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from pydicom import Dataset
from pydicom.uid import HEVCMP51, MPEG2MPML, MPEG4HP41, MPEG4HP41F

from edgeecho.cine import DecodeLimits, Region
from edgeecho.cine.dicom import read_dicom
from edgeecho.common.errors import InputError

MOVING = np.stack(
    [
        cv2.circle(np.zeros((64, 96, 3), np.uint8), (20 + i, 32), 15, (200, 120, 40), -1)
        for i in range(30)
    ]
)
FORMATS = {
    "MPEG-2": (MPEG2MPML, "mpeg2video", "mpeg2video"),
    "MPEG-2 program stream": (MPEG2MPML, "mpeg2video", "mpeg"),
    "H.264": (MPEG4HP41, "libx264", "h264"),
    "H.264 in MP4": (MPEG4HP41, "libx264", "mp4"),
    "H.264 in a transport stream": (MPEG4HP41, "libx264", "mpegts"),
    "HEVC": (HEVCMP51, "libx265", "hevc"),
    "HEVC in MP4": (HEVCMP51, "libx265", "mp4"),
}


def encode(codec: str, container: str, x265: str = "log-level=none") -> bytes:
    target = io.BytesIO()
    options = {"x265-params": x265} if codec == "libx265" else {}
    with av.open(target, "w", format=container) as output:
        stream = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for frame in MOVING:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        output.mux(stream.encode())
    return target.getvalue()


@pytest.fixture
def write_stream(write_dicom: Callable[..., Path]) -> Callable[..., Path]:
    def write(name: str, **attributes: object) -> Path:
        syntax, codec, container = FORMATS[name]
        settings = {
            "syntax": syntax,
            "encoded": [encode(codec, container)],
            "PhotometricInterpretation": "YBR_PARTIAL_420",
        }
        return write_dicom(MOVING, **(settings | attributes))

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_a_stream_is_decoded_whole_and_timed_by_the_header(
    write_stream: Callable[..., Path], name: str
) -> None:
    cine = read_dicom(write_stream(name, FrameTime=20))
    _, codec, container = FORMATS[name]
    with av.open(io.BytesIO(encode(codec, container))) as stream:
        expected = np.stack([frame.to_ndarray(format="rgb24") for frame in stream.decode(video=0)])
    assert (cine.frames == expected).all()
    assert np.abs(cine.frames.astype(int) - MOVING).mean() < 6
    assert (cine.fps, cine.fps_source) == (50, "FrameTime")
    assert cine.timestamps_s == pytest.approx(np.arange(30) * 0.02)
    assert cine.container == "dicom"
    assert "MPEG" in cine.codec or "HEVC" in cine.codec
    assert cine.damage == ()


def test_without_the_header_the_streams_own_rate_counts(
    write_stream: Callable[..., Path],
) -> None:
    cine = read_dicom(write_stream("H.264 in MP4"))
    assert (cine.fps, cine.fps_source) == (pytest.approx(25), "video stream")
    cine = read_dicom(write_stream("H.264"))
    assert (cine.fps, cine.fps_source) == (pytest.approx(25), "video stream")


def test_a_duration_in_whole_seconds_gives_way_to_the_stream(
    write_stream: Callable[..., Path],
) -> None:
    cine = read_dicom(write_stream("H.264", EffectiveDuration=2))  # 30 frames at 25
    assert (cine.fps, cine.fps_source) == (25, "video stream")
    assert (cine.fps_notes, cine.fps_doubt) == ((), None)


def test_a_header_that_contradicts_the_stream_is_in_doubt(
    write_stream: Callable[..., Path],
) -> None:
    cine = read_dicom(write_stream("H.264", CineRate=50))
    assert (cine.fps, cine.fps_source) == (50, "CineRate")
    assert cine.fps_doubt == "CineRate says 50.0 frames/s, video stream 25.0"


def test_a_stream_that_says_no_rate_is_not_taken_for_25(write_stream: Callable[..., Path]) -> None:
    stream = encode("libx265", "hevc", "log-level=none:no-vui-timing-info=1")
    path = write_stream("HEVC", encoded=[stream])
    cine = read_dicom(path)
    assert (cine.fps, cine.fps_source) == (None, "unknown")
    cine = read_dicom(write_stream("HEVC", encoded=[stream], CineRate=50))
    assert (cine.fps, cine.fps_doubt) == (50, None)


def test_a_stream_in_many_fragments(write_stream: Callable[..., Path]) -> None:
    stream = encode("libx264", "mp4")
    if len(stream) % 2:
        stream += b"\0"
    parts = [stream[i : i + 500] for i in range(0, len(stream), 500)]
    path = write_stream("H.264 in MP4", encoded=parts, syntax=MPEG4HP41F, NumberOfFrames=30)
    cine = read_dicom(path)
    assert len(cine.frames) == 30
    assert cine.damage == ()


def test_the_header_lies(write_stream: Callable[..., Path]) -> None:
    cine = read_dicom(write_stream("H.264 in MP4", NumberOfFrames=2_000_000_000))
    assert len(cine.frames) == 30
    assert cine.damage[0].startswith("2000000000 frames claimed, 30 decoded")
    item = {"RegionSpatialFormat": 1, "RegionDataType": 1}
    item |= {"RegionLocationMinX0": 1, "RegionLocationMinY0": 1}
    item |= {"RegionLocationMaxX1": 9, "RegionLocationMaxY1": 9}
    region = Dataset()
    for keyword, value in item.items():
        setattr(region, keyword, value)
    cine = read_dicom(write_stream("H.264 in MP4", SequenceOfUltrasoundRegions=[region]))
    assert cine.regions == (Region(1, 1, 9, 9),)
    cine = read_dicom(write_stream("H.264 in MP4", SequenceOfUltrasoundRegions=[region], Rows=99))
    assert cine.regions == ()
    assert cine.damage == ("the header gives another frame size than 96x64",)


def test_a_stream_that_is_cut_short(write_stream: Callable[..., Path]) -> None:
    path = write_stream("H.264", FrameTime=20)
    path.write_bytes(path.read_bytes()[:-400])
    cine = read_dicom(path)
    assert len(cine.frames) < 30
    assert cine.damage[0].startswith(f"30 frames claimed, {len(cine.frames)} decoded")
    assert "the pixel data has no end mark: the file may be cut short" in cine.damage


def test_no_stream_and_too_large_a_stream(write_stream: Callable[..., Path]) -> None:
    with pytest.raises(InputError):
        read_dicom(write_stream("H.264", encoded=[b"no video"]))
    with pytest.raises(InputError, match="96x64, over the limit"):
        read_dicom(write_stream("H.264"), DecodeLimits(pixels=1000))
