from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from media import decode_with_opencv, jpegs, phantom_frames, write_avi
from PIL import Image

from edgeecho.cine import read_cine


@pytest.fixture
def screen(tmp_path: Path) -> Path:
    """A scanner's screen of 240x320 with the phantom at (100, 60) and text beside it."""
    frames = np.zeros((100, 240, 320, 3), np.uint8)
    frames[:, 60:172, 100:212] = phantom_frames()
    for frame in frames:
        cv2.putText(frame, "NAME", (4, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255))
    return write_avi(tmp_path / "screen.avi", jpegs(frames), (240, 320))


def tiles_of(path: Path) -> list[np.ndarray]:
    """The 32 clip frames of a sheet, 8 in a row below a picture of 420 pixels."""
    sheet = np.asarray(Image.open(path))
    top, step = 420 + 12 + 16, 112 + 16 + 6
    return [
        sheet[top + r * step : top + r * step + 112, 6 + c * 118 : 6 + c * 118 + 112]
        for r in range(4)
        for c in range(8)
    ]


def test_the_sheet_shows_the_very_frames_of_the_clip(edgeecho: Any, tmp_path: Path) -> None:
    video = write_avi(tmp_path / "a.avi", jpegs())
    done = edgeecho("preview", video, "--out", tmp_path / "a.png", "--start", 5)
    assert done.returncode == 0, done.stderr
    assert "whole; native, 50.0 frames/s. Research use only" in done.stderr
    assert "may identify a patient" in done.stderr
    expected = read_cine(video).frames[5 : 5 + 63 : 2]
    assert all((a == b).all() for a, b in zip(tiles_of(tmp_path / "a.png"), expected, strict=True))


def test_padding_is_shown_as_the_mean_grey_that_it_is(edgeecho: Any, tmp_path: Path) -> None:
    video = write_avi(tmp_path / "a.avi", jpegs()[:40])
    assert edgeecho("preview", video, "--out", tmp_path / "a.png").returncode == 0
    tiles = tiles_of(tmp_path / "a.png")
    assert np.ptp(tiles[10]) > 100
    assert np.ptp(tiles[-1].reshape(-1, 3), axis=0).max() == 0
    assert tiles[-1][0, 0] == pytest.approx([33, 34, 33], abs=1)


@pytest.mark.slow
def test_the_crop_is_drawn_into_the_original_and_text_is_gone(
    edgeecho: Any, tmp_path: Path, screen: Path
) -> None:
    done = edgeecho("preview", screen, "--out", tmp_path / "a.png")
    assert "found in the frames" in done.stderr
    sheet = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    yellow = (np.abs(sheet - (250, 204, 21)).sum(axis=-1) < 30).any(axis=1)
    assert yellow.sum() > 100
    # The text is in the original above, and in none of the clip's frames.
    assert all(tile[:20, :20].max() < 40 for tile in tiles_of(tmp_path / "a.png"))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.avi", "a.mp4"])
def test_the_movie_has_every_frame_at_the_videos_speed(
    edgeecho: Any, tmp_path: Path, screen: Path, name: str
) -> None:
    done = edgeecho("preview", screen, "--out", tmp_path / "out" / name, "--no-crop")
    assert done.returncode == 0, done.stderr
    cine = read_cine(tmp_path / "out" / name)
    assert len(cine.frames) == 100
    assert cine.fps == pytest.approx(50)
    assert cine.damage == ()
    # On the right what the network sees: the central square, four times as large.
    seen = read_cine(screen).frames[50, :, 40:280]
    shown = decode_with_opencv(tmp_path / "out" / name)[50, :448, -448:]
    small = cv2.resize(seen, (448, 448), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - shown).mean() < 8


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["--out", "a.gif"], 2, "ends in .png, .avi or .mp4"),
        (["--out", "a.png", "--start", 90], 2, "no clip begins at frame 90: choose 0 to 37"),
        (["--out", "a.png", "--crop", "1,2,3"], 2, "is no rectangle"),
        (["--out", "a.png", "--crop", "1,2,3,4", "--no-crop"], 2, "exclude each other"),
        (["--out", "a.png", "--crop", "300,0,100,100"], 3, "reaches outside the image"),
        (["--out", "a.png", "--fps", 0], 2, "is no frame rate"),
        (["--out", "a.png", "--time", "slow"], 2, "choose native or resample"),
        (["--out", "a.png", "--max-frames", 10], 3, "more than 10 frames"),
    ],
)
def test_a_bad_wish_is_one_line_and_writes_nothing(
    edgeecho: Any,
    tmp_path: Path,
    screen: Path,
    monkeypatch: pytest.MonkeyPatch,
    args: list,
    code: int,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = edgeecho("preview", screen, *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["screen.avi"]


def test_the_name_of_the_output_is_printed_as_it_is(edgeecho: Any, tmp_path: Path) -> None:
    video = write_avi(tmp_path / "a.avi", jpegs())
    done = edgeecho("preview", video, "--out", tmp_path / "[red]a :smile: [/x]\x1b.png")
    assert done.returncode == 0
    assert r"/[red]a :smile: [/x]\x1b.png: whole" in done.stderr
