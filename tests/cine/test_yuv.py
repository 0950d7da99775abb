"""The conversion for other processors gives the bits that FFmpeg gives on x86-64."""

from __future__ import annotations

import platform
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from hypothesis import given
from hypothesis import strategies as st
from media import decode_with_opencv, write_format
from numpy.typing import NDArray

from edgeecho.cine import read_cine, yuv

pytestmark = pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="FFmpeg rounds otherwise here"
)


def frame_of(
    y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8], name: str
) -> VideoFrame:
    frame = VideoFrame(y.shape[1], y.shape[0], name)
    for plane, values in zip(frame.planes, (y, u, v), strict=True):
        rows = np.ndarray(values.shape, np.uint8, memoryview(plane), strides=(plane.line_size, 1))
        rows[:] = values
    return frame


def of_ffmpeg(frame: VideoFrame) -> NDArray[np.uint8]:
    shown = VideoReformatter().reformat(frame, format="bgr24", interpolation="BICUBIC", threads=1)
    return shown.to_ndarray()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["yuv420p", "yuvj420p"])
def test_every_triple_of_values_gives_ffmpegs_bits(name: str) -> None:
    """All 16.8 million: each (U, V) beside all 256 Y, in blocks of two by two."""
    u, v, y = (a.astype(np.uint8) for a in np.indices((256, 256, 64)))
    four = np.stack([y * 4, y * 4 + 1, y * 4 + 2, y * 4 + 3])  # of one block
    for half in (slice(0, 128), slice(128, 256)):  # FFmpeg takes at most 16384 in a row
        tall = u[half].reshape(-1, 1024)
        blocks = four[:, half].reshape(2, 2, -1, 1024).transpose(2, 0, 3, 1)
        frame = frame_of(
            blocks.reshape(tall.shape[0] * 2, 2048), tall, v[half].reshape(-1, 1024), name
        )
        np.testing.assert_array_equal(yuv.to_bgr(frame), of_ffmpeg(frame))


@given(
    size=st.tuples(st.integers(1, 40).map(lambda n: 2 * n), st.integers(1, 80)),
    name=st.sampled_from(["yuv420p", "yuvj420p", "yuv422p", "yuvj422p"]),
    matrix=st.sampled_from([1, 2, 4, 5, 6, 7, 9]),
    colour_range=st.integers(0, 2),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_matrix_and_range_gives_ffmpegs_bits(
    size: tuple[int, int], name: str, matrix: int, colour_range: int, seed: int
) -> None:
    random, (height, width) = np.random.default_rng(seed), size
    half = height // (1 if "422" in name else 2), -(-width // 2)
    planes = (random.integers(0, 256, shape, np.uint8) for shape in (size, half, half))
    frame = frame_of(*planes, name)
    frame.colorspace, frame.color_range = matrix, colour_range
    assert yuv.convertible(frame)
    np.testing.assert_array_equal(yuv.to_bgr(frame), of_ffmpeg(frame))


@pytest.mark.parametrize("name", ["AVI, MJPG", "MP4, H.264", "AVI, raw"])
def test_elsewhere_a_video_has_the_pixels_that_opencv_reads_here(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, converted = write_format(tmp_path, name), []

    def counted(frame: VideoFrame) -> NDArray[np.uint8]:
        converted.append(frame)
        return to_bgr(frame)

    to_bgr = yuv.to_bgr
    monkeypatch.setattr(yuv, "to_bgr", counted)
    monkeypatch.setattr(yuv, "NATIVE", False)
    np.testing.assert_array_equal(read_cine(path).frames, decode_with_opencv(path))
    assert len(converted) == (0 if name == "AVI, raw" else 100)


@pytest.mark.parametrize(
    ("name", "height"), [("yuv420p", 65), ("yuv422p", 65), ("yuv444p", 64), ("gray", 64)]
)
def test_what_goes_another_way_in_ffmpeg_is_left_to_it(name: str, height: int) -> None:
    assert not yuv.convertible(VideoFrame(64, height, name))
