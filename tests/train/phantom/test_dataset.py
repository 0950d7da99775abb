"""The written data set, judged by its files alone."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeecho.common.errors import UsageError
from edgeecho_train.phantom import writer
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.writer import write_dataset

pytestmark = pytest.mark.slow

RECIPE = PhantomRecipe(seed=7, frames=48)
COUNT = 12


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("phantom") / "set"
    write_dataset(root, RECIPE, COUNT, workers=2)
    return root


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _videos(root: Path) -> list[dict[str, str]]:
    return _rows(root / "FileList.csv")


def _traced(root: Path, name: str) -> dict[int, np.ndarray]:
    """Traced frame -> (21, 2, 2) lines."""
    frames: dict[int, list[list[float]]] = {}
    for row in _rows(root / "VolumeTracings.csv"):
        if row["FileName"] == f"{name}.avi":
            line = [float(row[key]) for key in ("X1", "Y1", "X2", "Y2")]
            frames.setdefault(int(row["Frame"]), []).append(line)
    return {frame: np.array(lines).reshape(-1, 2, 2) for frame, lines in frames.items()}


def _decode(path: Path) -> tuple[np.ndarray, float]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return np.stack(frames), capture.get(cv2.CAP_PROP_FPS)
        frames.append(frame)


def _simpson(lines: np.ndarray) -> float:
    """Single-plane Simpson volume in cubic pixels."""
    length = np.linalg.norm(lines[0, 1] - lines[0, 0])
    widths = np.linalg.norm(lines[1:, 1] - lines[1:, 0], axis=-1)
    return math.pi / 4 * np.sum(widths**2) * length / len(widths)


def _polygon(lines: np.ndarray) -> np.ndarray:
    return np.concatenate([lines[0, :1], lines[1:, 0], lines[0, 1:], lines[:0:-1, 1]])


def _area(lines: np.ndarray) -> float:
    x, y = _polygon(lines).T
    return abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2


def test_layout_is_echonets(root):
    header = (root / "FileList.csv").read_text().splitlines()[0]
    assert header == "FileName,EF,ESV,EDV,FrameHeight,FrameWidth,FPS,NumberOfFrames,Split"
    header = (root / "VolumeTracings.csv").read_text().splitlines()[0]
    assert header == "FileName,X1,Y1,X2,Y2,Frame"
    assert [v["FileName"] for v in _videos(root)] == [f"phantom-s7-{i:05d}" for i in range(COUNT)]
    assert {p.name for p in root.iterdir()} == {
        "DESCRIPTION.txt",
        "FileList.csv",
        "VolumeTracings.csv",
        "Videos",
    }
    description = (root / "DESCRIPTION.txt").read_text()
    assert description == (
        f"synthetic phantoms, never patients (edgeecho phantom, seed 7, uniform EF, n {COUNT})\n"
    )
    assert len(list((root / "Videos").iterdir())) == COUNT


def test_simpson_from_the_tracings_gives_the_labels(root):
    for index, video in enumerate(_videos(root)):
        traced = _traced(root, video["FileName"])
        assert len(traced) == 2
        assert all(len(lines) == 21 for lines in traced.values())
        systole, diastole = sorted(traced.values(), key=_area)
        ef = 100 * (1 - _simpson(systole) / _simpson(diastole))
        assert ef == pytest.approx(float(video["EF"]), abs=0.5)
        scale = draw_phantom(RECIPE, index)[0].view.cm_per_pixel
        assert _simpson(diastole) * scale**3 == pytest.approx(float(video["EDV"]), rel=0.02)
        assert _simpson(systole) * scale**3 == pytest.approx(float(video["ESV"]), rel=0.02)


def test_videos_are_what_the_list_says(root):
    for video in _videos(root):
        frames, fps = _decode(root / "Videos" / f"{video['FileName']}.avi")
        assert frames.shape == (int(video["NumberOfFrames"]), 112, 112, 3)
        assert fps == pytest.approx(float(video["FPS"]), abs=1e-9)
        assert int(np.ptp(frames, axis=-1).max()) <= 3
        assert all(0 <= frame < len(frames) for frame in _traced(root, video["FileName"]))


def test_grey_levels_are_like_echonets(root):
    statistics = []
    for video in _videos(root):
        frames = _decode(root / "Videos" / f"{video['FileName']}.avi")[0][..., 1].astype(np.float32)
        before, after = frames[:-1] - frames[:-1].mean(), frames[1:] - frames[1:].mean()
        correlation = np.mean(before * after) / (before.std() * after.std())
        p50, p99 = np.percentile(frames, [50, 99])
        statistics.append((frames.mean(), frames.std(), p50, p99, correlation))
    values = np.array(statistics)
    mean, sd, p50, p99, correlation = values.mean(axis=0)
    # Nine public EchoNet clips: mean 32, and the ranges below for the rest.
    assert mean == pytest.approx(32, abs=5)
    assert 44 <= sd <= 68
    assert 1 <= p50 <= 10
    assert 183 <= p99 <= 248
    assert 0.972 <= correlation <= 0.992
    # No single video may be black or washed out.
    assert values[:, 0].min() > 12
    assert values[:, 0].max() < 65


def test_the_contour_is_where_the_picture_turns_dark(root):
    """Just inside the traced endocardium it is dark, just outside it is bright, at ED and ES."""
    steps = []
    for video in _videos(root):
        frames = _decode(root / "Videos" / f"{video['FileName']}.avi")[0][..., 1].astype(np.float32)
        for frame, lines in _traced(root, video["FileName"]).items():
            inside, outside = [], []
            for near, far in [(0, 1), (1, 0)]:
                # Discs 6 to 15: away from the apex's clutter and from the valves.
                edge, other = lines[6:16, near], lines[6:16, far]
                outward = (edge - other) / np.linalg.norm(edge - other, axis=-1, keepdims=True)
                inside.append(_sample(frames[frame], edge - 2.5 * outward))
                outside.append(_sample(frames[frame], edge + 2.5 * outward))
            steps.append((np.mean(inside), np.mean(outside)))
    inside, outside = np.array(steps).T
    assert np.median(outside / inside) > 3
    assert np.mean(outside > 1.5 * inside) > 0.95


def _sample(frame: np.ndarray, points: np.ndarray) -> np.ndarray:
    x, y = np.clip(np.round(points).astype(int), 0, 111).T
    return frame[y, x]


def _bytes(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_bytes_depend_on_seed_and_index_only(root, tmp_path):
    write_dataset(tmp_path / "short", RECIPE, 3, workers=1)
    whole, short = _bytes(root), _bytes(tmp_path / "short")
    for name, content in short.items():
        if name.endswith(".avi"):
            assert content == whole[name]
        elif name.endswith(".csv"):
            assert whole[name].startswith(content)
    write_dataset(tmp_path / "two", RECIPE, 3, workers=2)
    assert _bytes(tmp_path / "two") == short

    write_dataset(tmp_path / "other", PhantomRecipe(seed=8, frames=48), 1, workers=1)
    other = (tmp_path / "other/Videos/phantom-s8-00000.avi").read_bytes()
    assert other != short["Videos/phantom-s7-00000.avi"]


def test_more_traced_frames_change_the_tracings_alone(root, tmp_path):
    write_dataset(tmp_path / "more", replace(RECIPE, traced=5), 2, workers=1)
    plain, more = _bytes(root), _bytes(tmp_path / "more")
    for video in _videos(tmp_path / "more"):
        file = f"Videos/{video['FileName']}.avi"
        assert more[file] == plain[file]
        both, five = (_traced(where, video["FileName"]) for where in (root, tmp_path / "more"))
        assert len(five) == 5
        assert list(five)[:2] == list(both)
        for frame, lines in both.items():
            np.testing.assert_array_equal(five[frame], lines)
    assert plain["FileList.csv"].startswith(more["FileList.csv"])
    assert b"n 2, 5 traced frames)" in more["DESCRIPTION.txt"]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "set", RECIPE, 2, workers=1, on_video=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_table_keeps_the_old_set(tmp_path, monkeypatch):
    target = tmp_path / "set"
    target.mkdir()
    (target / "DESCRIPTION.txt").write_text("kept")
    with pytest.raises(UsageError, match="--overwrite"):
        write_dataset(target, RECIPE, 1, workers=1)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(writer, "_write_tables", fail)
    with pytest.raises(OSError, match="disk full"):
        write_dataset(target, RECIPE, 1, workers=1, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["set"]
    assert (target / "DESCRIPTION.txt").read_text() == "kept"
