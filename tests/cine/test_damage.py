"""Broken videos end in an error or in a cine that says what is missing."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from media import (
    FAULTS,
    LOSSLESS,
    VIDEO_FORMATS,
    decode_with_opencv,
    jpegs,
    phantom_frames,
    write_avi,
    write_format,
    write_video,
    zero_middle,
)

from edgeecho.cine import Cine, DecodeLimits, read_cine
from edgeecho.common.errors import InputError

SAYS_ITS_LENGTH = [name for name in VIDEO_FORMATS if name.split(",")[0] not in ("WMV", "MPEG-PS")]


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("formats")
    return {name: write_format(folder, name) for name in VIDEO_FORMATS}


@pytest.mark.slow
@pytest.mark.parametrize("name", VIDEO_FORMATS)
def test_every_format_gives_the_pixels_of_another_decoder(
    files: dict[str, Path], name: str
) -> None:
    cine = read_cine(files[name])
    assert (cine.frames == decode_with_opencv(files[name])).all()
    assert len(cine.frames) == 100
    assert cine.fps == pytest.approx(50)
    assert cine.timestamps_s == pytest.approx(np.arange(100) / 50, abs=0.002)
    if name in SAYS_ITS_LENGTH:
        assert cine.damage == ()
    else:
        assert "does not say how many frames" in cine.damage[0]
    if name in LOSSLESS:
        assert (cine.frames == phantom_frames()).all()


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "whole"])
@pytest.mark.parametrize("name", SAYS_ITS_LENGTH)
def test_no_fault_is_a_silent_short_read(
    files: dict[str, Path], tmp_path: Path, name: str, fault: str
) -> None:
    path = tmp_path / files[name].name
    path.write_bytes(FAULTS[fault](files[name].read_bytes()))
    result: Cine | str
    try:
        result = read_cine(path)
    except InputError as error:
        result = str(error)
    if isinstance(result, str):
        assert "\n" not in result
        assert result.startswith(path.name)
        assert str(tmp_path) not in result
    else:
        assert len(result.frames) == 100 or result.damage
        assert fault != "header only" or result.damage


def test_cut_frames_are_left_out_and_counted(tmp_path: Path) -> None:
    pictures = jpegs()
    pictures[40] = pictures[40][: len(pictures[40]) // 2]
    cine = read_cine(write_avi(tmp_path / "a.avi", pictures))
    assert len(cine.frames) == 99
    assert cine.damage == (
        "100 frames claimed, 99 decoded",
        "frames left out because their data are cut short: 1",
        "frames are missing after 0.78 s",
    )
    assert cine.timestamps_s[40] == pytest.approx(0.82)


def test_a_camera_that_writes_no_end_markers_is_read_whole(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", [picture[:-2] for picture in jpegs()])
    assert read_cine(path).damage == ()


def test_a_lying_frame_count_is_named_and_costs_nothing(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs(), claimed=2_000_000_000)
    cine = read_cine(path)
    assert len(cine.frames) == 100
    assert cine.damage == ("2000000000 frames claimed, 100 decoded",)
    assert cine.frames.base is None or cine.frames.base.nbytes < 2 * cine.frames.nbytes


@pytest.mark.parametrize(("rate", "scale", "fps"), [(50, 1, 50), (0, 0, None), (0, 1, None)])
def test_a_rate_of_zero_is_unknown_and_not_25(
    tmp_path: Path, rate: int, scale: int, fps: float | None
) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs(), rate=rate, scale=scale, microseconds=0)
    cine = read_cine(path)
    assert cine.fps == fps
    assert cine.fps_source == ("unknown" if fps is None else "container")
    assert np.isfinite(cine.timestamps_s).all() == (fps is not None)


def test_the_main_headers_rate_is_taken_where_the_streams_is_zero(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs(), rate=0, scale=0, microseconds=25_000)
    assert read_cine(path).fps == pytest.approx(40)


def test_a_variable_rate_comes_with_its_time_stamps(tmp_path: Path) -> None:
    steps = [20, 35, 15, 10] * 25
    times = np.cumsum([0, *steps[:-1]])
    path = write_video(tmp_path / "a.mkv", "libx264", "yuv420p", times_ms=times.tolist())
    cine = read_cine(path)
    assert cine.timestamps_s == pytest.approx(times / 1000)
    assert cine.fps == pytest.approx(99 / (times[-1] / 1000), rel=0.02)
    assert cine.damage == ()


# Pixel formats, odd sizes and tags in which conversions to RGB usually differ.
@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "options", "size"),
    [
        (".mp4", "libx264", "yuvj420p", {}, (112, 112)),
        (".mp4", "libx264", "yuv444p", {}, (111, 112)),
        (".mp4", "libx264", "yuv420p", {"x264-params": "colormatrix=bt709"}, (112, 112)),
        (".mp4", "libx265", "yuv420p10le", {"x265-params": "log-level=none"}, (112, 112)),
        (".avi", "mpeg4", "yuv420p", {}, (109, 111)),
        (".avi", "mjpeg", "yuvj422p", {}, (109, 111)),
        (".avi", "png", "rgb24", {}, (112, 112)),
        (".mkv", "ffv1", "gray", {}, (112, 112)),
        (".mkv", "ffv1", "gray16le", {}, (112, 112)),
        (".mkv", "ffv1", "yuv411p", {}, (112, 112)),
        (".mkv", "ffv1", "yuv420p10le", {}, (112, 112)),
    ],
)
def test_pixels_are_those_of_opencv_whatever_their_format(
    tmp_path: Path, suffix: str, codec: str, pixels: str, options: dict[str, str],
    size: tuple[int, int],
) -> None:  # fmt: skip
    frames = phantom_frames()[:8, : size[0], : size[1]]
    path = write_video(tmp_path / f"a{suffix}", codec, pixels, options, frames=frames)
    assert (read_cine(path).frames == decode_with_opencv(path)).all()


@pytest.mark.parametrize(
    "matrix",
    [
        (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0),  # turned, as by telephones
        (-1, 0, 0, 1), (1, 0, 0, -1), (0, 1, 1, 0), (0, -1, -1, 0),  # mirrored, as by front cameras
    ],
)  # fmt: skip
def test_a_video_is_turned_and_mirrored_as_its_header_says(
    tmp_path: Path, matrix: tuple[int, int, int, int]
) -> None:
    path = write_video(tmp_path / "a.mp4", "libx264", "yuv420p", frames=phantom_frames()[:3])
    plain = read_cine(path).frames
    a, b, c, d = matrix
    data = bytearray(path.read_bytes())
    # The matrix in the track's header (ISO/IEC 14496-12, 8.3.2).
    at = data.index(b"tkhd") + 4 + 40
    words = [a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30]
    data[at : at + 36] = struct.pack(">9i", *words)
    placed = tmp_path / "placed.mp4"
    placed.write_bytes(data)
    shown = read_cine(placed).frames
    expected = np.empty_like(plain)
    last = 111
    for y in range(112):
        for x in range(112):
            at_x, at_y = a * x + c * y, b * x + d * y
            expected[:, at_y + last * (b + d < 0), at_x + last * (a + c < 0)] = plain[:, y, x]
    assert (shown == expected).all()
    if a * d - b * c > 0:  # OpenCV knows turns only
        assert (shown == decode_with_opencv(placed)).all()


@pytest.mark.slow
def test_av1_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", "libsvtav1", "yuv420p", {"svtav1-params": "preset=12"})
    cine = read_cine(path)
    assert (len(cine.frames), cine.codec, cine.damage) == (100, "av1", ())
    assert np.abs(cine.frames.astype(int) - phantom_frames()).mean() < 4
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) == os.SCHED_OTHER, "see media.usual_priority"


def test_a_codec_without_a_decoder_is_an_error(tmp_path: Path) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs())
    path.write_bytes(path.read_bytes().replace(b"MJPG", b"ZZZZ"))
    with pytest.raises(InputError, match="codec that edgeecho has no decoder for"):
        read_cine(path)


def test_pictures_that_refer_to_a_lost_one_are_left_out(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", "libx264", "yuv420p", {"g": "25"})
    true = read_cine(whole).frames
    broken = tmp_path / "b.mp4"
    broken.write_bytes(zero_middle(whole.read_bytes()))
    cine = read_cine(broken)
    assert 40 < len(cine.frames) < 100
    assert any("frames are missing after" in words for words in cine.damage)
    places = np.rint(cine.timestamps_s * 50).astype(int)
    assert (cine.frames == true[places]).all(), "what is shown is whole"


@pytest.mark.parametrize("place", [0, 30])
def test_a_picture_bomb_is_refused_before_it_is_decoded(tmp_path: Path, place: int) -> None:
    ok, bomb = cv2.imencode(".jpg", np.zeros((8000, 8000, 3), np.uint8))
    assert ok
    pictures = jpegs()[:60]
    pictures[place] = bomb.tobytes()
    with pytest.raises(InputError, match="8000x8000, over the limit of 16777216 pixels"):
        read_cine(write_avi(tmp_path / "a.avi", pictures))


def test_a_frame_of_another_size_is_left_out_and_a_change_of_size_refused(tmp_path: Path) -> None:
    small = jpegs(phantom_frames()[:, :64, :64])
    pictures = jpegs()
    mixed = [*pictures[:10], small[10], *pictures[11:]]
    cine = read_cine(write_avi(tmp_path / "a.avi", mixed))
    assert len(cine.frames) == 99
    with pytest.raises(InputError, match="frame size changes"):
        read_cine(write_avi(tmp_path / "b.avi", [*pictures[:30], *small[30:]]))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (DecodeLimits(frames=99), "more than 99 frames: .* --max-frames"),
        (DecodeLimits(pixels=112 * 112 - 1), "112x112, over the limit of 12543 pixels"),
        (DecodeLimits(megabytes=3), r"need more than 3 MB \(79 frames so far\): .* --max-mb"),
    ],
)
def test_limits_are_kept(tmp_path: Path, limits: DecodeLimits, words: str) -> None:
    path = write_avi(tmp_path / "a.avi", jpegs())
    with pytest.raises(InputError, match=words):
        read_cine(path, limits)
    assert len(read_cine(path).frames) == 100


def test_a_file_over_the_limit_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with path.open("wb") as stream:
        stream.truncate(900_000_000)  # a hole, no disk is used
    with pytest.raises(InputError, match="larger than 800 MB"):
        read_cine(path)


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
    ],
)
def test_a_playlist_opens_no_other_file(tmp_path: Path, content: str) -> None:
    secret = write_avi(tmp_path / "secret.avi", jpegs())
    path = tmp_path / "list.avi"
    path.write_text(content.format(secret=secret))
    with pytest.raises(InputError, match="not a video"):
        read_cine(path)


@pytest.mark.slow
def test_frames_that_grow_in_mid_stream_are_refused_before_they_cost_memory(
    tmp_path: Path,
) -> None:
    small = write_video(tmp_path / "small.h264", "libx264", "yuv420p")
    large = write_video(
        tmp_path / "large.h264", "libx264", "yuv420p",
        frames=np.tile(phantom_frames()[:3], (1, 10, 10, 1)),
    )  # fmt: skip
    path = tmp_path / "grows.h264"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with pytest.raises(InputError, match="frame size changes"):
        read_cine(path)
    bounded = read_cine(path, DecodeLimits(pixels=112 * 112))
    # FFmpeg decodes none of the others, and loses what it still held of the first.
    assert 95 < len(bounded.frames) <= 100
    assert bounded.frames.shape[1:] == (112, 112, 3)
    assert bounded.damage == ("frames at the end could not be decoded",)
    with pytest.raises(InputError, match="1120x1120, over the limit"):
        read_cine(path, DecodeLimits(pixels=1000 * 1000))


def test_jpegs_that_are_padded_are_whole(tmp_path: Path) -> None:
    pictures = [jpeg + bytes(64 if n % 3 == 0 else 0) for n, jpeg in enumerate(jpegs())]
    cine = read_cine(write_avi(tmp_path / "a.avi", pictures))
    assert (len(cine.frames), cine.damage) == (100, ())


def test_the_rate_of_an_mp4_whose_frames_were_dropped_on_purpose_is_the_mean(
    tmp_path: Path,
) -> None:
    times = [33 * n for n in range(90) if n % 3][:60]
    frames = phantom_frames()[:60]
    path = write_video(tmp_path / "a.mp4", "libx264", "yuv420p", frames=frames, times_ms=times)
    cine = read_cine(path)
    assert cine.fps == pytest.approx(59 / (times[59] - times[0]) * 1000, rel=0.02)
    assert cine.timestamps_s == pytest.approx((np.array(times) - times[0]) / 1000, abs=2e-3)


def test_a_bare_stream_with_b_frames_misses_nothing(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.m1v", "mpeg1video", "yuv420p", {"bf": "2"}, fps=25)
    cine = read_cine(path)
    assert len(cine.frames) == 100
    assert not any("missing after" in words for words in cine.damage)
    assert cine.timestamps_s == pytest.approx(np.arange(100) / 25)
