"""`preview --overlay`: contours, end diastole and end systole in the movie."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from media import decode_with_opencv, jpegs, write_avi
from ventricle import Drawn, beating, traced

from edgeecho.beats import beats_of
from edgeecho.tools.preview.overlay import draw_traced

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


def yellow(picture: np.ndarray) -> np.ndarray:
    """Where a picture, RGB, is of the contour's colour."""
    red, green, blue = np.moveaxis(picture.astype(int), -1, 0)
    return (red > 150) & (green > 110) & (blue < 0.6 * green)


def test_a_frame_has_its_own_contour_on_the_masks_edge() -> None:
    masks = beating(40)
    masks[3] = False
    masks[4, 2:8, 90:99] = True
    for frame in (0, 3, 4, 20):
        picture = np.zeros((448, 448, 3), np.uint8)
        draw_traced(picture, traced(masks), frame)
        large = masks[frame].repeat(4, axis=0).repeat(4, axis=1)
        lines = yellow(picture)
        assert lines.any() == (frame != 3)
        # Within a pixel of the mask's edge: as far as its pixels are wide, and the line.
        padded = np.pad(large, 6, mode="edge")
        near = [
            np.roll(padded, (dy, dx), (0, 1))[6:-6, 6:-6] for dy in (-5, 0, 5) for dx in (-5, 0, 5)
        ]
        edge = np.any(near, axis=0) & ~np.all(near, axis=0)
        assert not (lines & ~edge).any()


def test_the_ends_of_beats_bear_their_names_and_other_frames_none() -> None:
    found = traced(beating(100))
    ends = {m.frame for b in found.beats.found for m in (b.ed, b.es) if m}
    assert len(ends) > 3
    for frame in range(100):
        picture = np.zeros((448, 448, 3), np.uint8)
        draw_traced(picture, found, frame)
        assert (picture[8:28, 8:60].max() > 200) == (frame in ends), frame


@pytest.mark.parametrize("name", ["a.avi", "a.mp4"])
def test_the_movie_shows_every_frame_with_its_contour(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    masks = beating(100)
    monkeypatch.setattr("edgeecho.engines.load_segmentation", lambda *_, **__: Drawn(masks))
    video = write_avi(tmp_path / "video.avi", jpegs())
    done = edgeecho("preview", video, "--out", tmp_path / name, "--overlay", "--model", NARROW)
    assert done.returncode == 0, done.stderr
    assert "Research use only" in done.stderr
    assert "no beats" not in done.stderr
    shown = decode_with_opencv(tmp_path / name)
    assert len(shown) == 100
    ends = beats_of(masks, np.arange(100) / 50).used[0]
    assert ends.ed
    assert ends.es
    widths = []
    for frame in (ends.ed.frame, ends.es.frame):
        columns = np.flatnonzero(yellow(shown[frame][:448, -448:])[200:248].any(axis=0))
        widths.append(columns[-1] - columns[0])
        true = 4 * masks[frame][56].sum()
        assert widths[-1] == pytest.approx(true, abs=10)
    assert widths[0] > widths[1] + 40


def test_a_video_without_beats_says_why(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    still = np.repeat(beating(1), 100, axis=0)
    monkeypatch.setattr("edgeecho.engines.load_segmentation", lambda *_, **__: Drawn(still))
    video = write_avi(tmp_path / "video.avi", jpegs())
    done = edgeecho("preview", video, "--out", tmp_path / "a.avi", "--overlay", "--model", NARROW)
    assert done.returncode == 0, done.stderr
    assert "no beats: the left ventricle stands still" in done.stderr


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("a.avi", 4, "has no segmentation: export it with"),
        ("a.png", 2, "--overlay is drawn into a video: let --out end in .avi or .mp4"),
    ],
)
def test_what_cannot_be_drawn_is_one_line_and_writes_nothing(
    edgeecho: Any, tmp_path: Path, out: str, code: int, words: str
) -> None:
    video = write_avi(tmp_path / "video.avi", jpegs())
    # Only a bundle that has none; the demo will have one.
    done = edgeecho("preview", video, "--out", tmp_path / out, "--overlay", "--model", NARROW)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / out).exists()
