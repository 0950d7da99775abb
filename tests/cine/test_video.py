from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from pydicom.data import get_testdata_file

from edgeecho.cine import find_videos, read_cine
from edgeecho.common.errors import InputError


@pytest.mark.parametrize(
    ("name", "fourcc", "tolerance"),
    [("a.avi", "MJPG", 12), ("a.mp4", "mp4v", 12), ("a.mkv", "FFV1", 0), ("a.avi", "HFYU", 0)],
)
def test_frames_times_and_colours_come_back(
    write_video: Callable[..., Path], name: str, fourcc: str, tolerance: int
) -> None:
    cine = read_cine(write_video(name, fourcc))
    assert cine.frames.shape == (40, 64, 96, 3)
    assert cine.frames.dtype == np.uint8
    centre = cine.frames[7, 32, 27].astype(int)
    assert np.abs(centre - (200, 120, 40)).max() <= tolerance  # RGB
    assert cine.fps == pytest.approx(50)
    assert cine.fps_source == "container"
    assert cine.timestamps_s == pytest.approx(np.arange(40) / 50, abs=0.002)


def test_a_file_is_known_by_its_content_not_its_suffix(write_video: Callable[..., Path]) -> None:
    path = write_video("a.avi")
    assert len(read_cine(path.rename(path.with_name("noname"))).frames) == 40


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"EF,55\n" * 50, "not a video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "header of this AVI file is damaged"),
        (bytes(range(256)) * 40, "not a video"),
    ],
)
def test_a_file_that_is_no_video_is_an_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_cine(path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_the_containers_frame_count_is_not_believed(write_video: Callable[..., Path]) -> None:
    path = write_video("a.avi", frames=40)
    data = bytearray(path.read_bytes())
    header = data.index(b"avih")
    data[header + 24 : header + 28] = (2_000_000_000).to_bytes(4, "little")  # dwTotalFrames
    stream = data.index(b"strh")
    data[stream + 40 : stream + 44] = (2_000_000_000).to_bytes(4, "little")  # dwLength
    path.write_bytes(data)
    assert len(read_cine(path).frames) == 40


def test_odd_names(write_video: Callable[..., Path], tmp_path: Path) -> None:
    path = write_video("a.avi")
    assert len(read_cine(path.rename(tmp_path / "12:30 Müller.avi")).frames) == 40
    with pytest.raises(InputError, match=r"M\\udcfcller.avi is not a UTF-8 file name"):
        read_cine(Path(os.fsdecode(b"M\xfcller.avi")))
    with pytest.raises(InputError, match="cannot be read: File name too long"):
        read_cine(tmp_path / ("x" * 300))


def test_nothing_is_said_but_the_error(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_text("no video")
    code = "import edgeecho; from pathlib import Path; edgeecho.read_cine(Path('a.avi'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert "InputError" in done.stderr.splitlines()[-1]
    assert "WARN" not in done.stderr


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_cine(tmp_path / "none.avi")
    with pytest.raises(InputError, match="is a folder"):
        read_cine(tmp_path)


def test_folders_give_their_videos_in_order(tmp_path: Path) -> None:
    for name in ("b.avi", "a.MP4", "sub/c.dcm", "notes.txt", ".hidden/d.avi", ".e.avi"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    lone = tmp_path / "notes.txt"
    found = find_videos([tmp_path, lone])
    assert found.passed_over == {"other file": 1}
    assert [p.relative_to(tmp_path).as_posix() for p in found.files] == [
        "a.MP4",
        "b.avi",
        "sub/c.dcm",
        "notes.txt",
    ]


def test_in_folders_too_files_are_known_by_their_content(
    write_video: Callable[..., Path], tmp_path: Path
) -> None:
    write_video("named.avi")
    for number, suffix in enumerate((".avi", ".mp4", ".mkv")):
        write_video(f"x{suffix}").rename(tmp_path / f"video{number}")
    real = get_testdata_file("color3d_jpeg_baseline.dcm", download=False)
    shutil.copy(str(real), tmp_path / "IM0001")
    (tmp_path / "IM0002").write_bytes(Path(str(real)).read_bytes()[132:])  # no preamble
    videos = sorted(tmp_path.iterdir())
    shutil.copy(str(get_testdata_file("DICOMDIR", download=False)), tmp_path)
    for name, head in {
        "notes.txt": b"The wide view",
        "none": b"",
        "short": b"RI",
        "icon.ico": b"\0\0\1\0\1\0",
        "photo.heic": b"\0\0\0\x18ftypheic",
        "sound.m4a": b"\0\0\0\x18ftypM4A ",
        "table.csv": b"FileName,EF\n",
    }.items():
        (tmp_path / name).write_bytes(head)
    os.mkfifo(tmp_path / "pipe")  # opening it would wait for ever
    (tmp_path / "gone").symlink_to("nowhere")
    found = find_videos([tmp_path])
    assert found.files == tuple(videos)
    assert found.passed_over == {"other file": 8, "HEIC image": 1, "sound recording": 1}
    assert found.passed_over_words == "1 HEIC image, 8 other files, 1 sound recording"


def test_what_a_folder_has_by_name_is_tried_even_if_its_head_is_lost(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(bytes(1000))
    (tmp_path / "b.DCM").touch()
    assert len(find_videos([tmp_path]).files) == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_tried(tmp_path: Path) -> None:
    (tmp_path / "IM0001").touch(mode=0)
    assert len(find_videos([tmp_path]).files) == 1


def test_a_folder_without_videos_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no videos"):
        find_videos([tmp_path])


def test_of_two_videos_in_a_file_the_first_is_taken_and_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=50) for _ in range(2)]
        for stream in streams:
            stream.height, stream.width, stream.pix_fmt = 64, 96, "yuv420p"
        for stream, grey in zip(streams, (60, 200), strict=True):
            picture = np.full((64, 96, 3), grey, np.uint8)
            for _ in range(10):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
    cine = read_cine(path)
    assert cine.frames.mean() < 100
    assert cine.notes == ("the file holds 2 videos: the first was taken",)
