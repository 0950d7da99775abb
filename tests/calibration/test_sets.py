from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeecho.common.errors import InputError
from edgeecho.preprocess import PreprocessSpec
from edgeecho_calibration.select import select
from edgeecho_calibration.sets import CalibrationClips, CalibrationSet, read_set

SPEC = PreprocessSpec((30, 30, 30), (40, 50, 60), size=112)


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


@pytest.fixture
def chosen(data: Path) -> CalibrationSet:
    return select(data, SPEC, n=3, seed=0)


def test_a_set_survives_json(chosen: CalibrationSet, tmp_path: Path) -> None:
    (tmp_path / "set.json").write_text(json.dumps(chosen.to_dict()))
    assert read_set(tmp_path / "set.json") == chosen


@pytest.mark.slow
def test_clips_are_cut_again_as_the_network_sees_them(chosen: CalibrationSet, data: Path) -> None:
    clips = CalibrationClips(chosen, SPEC)
    assert len(clips) == 3
    for _ in range(2):  # more than one pass is allowed
        for entry, found in zip(chosen.clips, clips, strict=True):
            capture = cv2.VideoCapture(str(data / "Videos" / f"{entry.video}.avi"), cv2.CAP_FFMPEG)
            frames = np.stack([capture.read()[1][..., ::-1] for _ in range(70)]).astype(np.float64)
            cut = frames[entry.start : entry.start + 63 : 2]
            expected = ((cut - SPEC.mean) / SPEC.std).transpose(3, 0, 1, 2)
            assert found.shape == (1, 3, 32, 112, 112)
            assert np.abs(found[0] - expected).max() < 1e-5
            assert entry.brightness == pytest.approx(cut.mean(), abs=1e-6)


def test_a_short_video_is_continued_with_mean_grey(data: Path) -> None:
    spec = replace(SPEC, period=3)  # a window of 94 frames, the videos have 70
    clips = list(CalibrationClips(select(data, spec, n=2, seed=0), spec))
    assert all(clip.shape == (1, 3, 32, 112, 112) for clip in clips)
    assert all((clip[0, :, 24:] == 0).all() and clip[0, :, :23].any() for clip in clips)


def test_another_preprocessing_is_refused_with_both_hashes(chosen: CalibrationSet) -> None:
    other = replace(SPEC, mean=(31.0, 30.0, 30.0))
    with pytest.raises(InputError, match=SPEC.sha256()[:12]) as caught:
        CalibrationClips(chosen, other)
    assert other.sha256()[:12] in str(caught.value)


@pytest.mark.parametrize("split", ["VAL", "TEST"])
def test_a_video_that_is_not_for_training_is_refused(
    chosen: CalibrationSet, data: Path, split: str
) -> None:
    name = chosen.clips[1].video
    listing = data / "FileList.csv"
    lines = listing.read_text().splitlines()
    moved = [line.replace("TRAIN", split) if line.startswith(name) else line for line in lines]
    assert moved != lines
    listing.write_text("\n".join(moved) + "\n")
    with pytest.raises(InputError, match=f"{name} .* is not in the TRAIN split"):
        CalibrationClips(chosen, SPEC)


def test_a_changed_video_is_refused(chosen: CalibrationSet, data: Path) -> None:
    file = data / "Videos" / f"{chosen.clips[2].video}.avi"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(InputError, match="was changed since"):
        CalibrationClips(chosen, SPEC)


def test_other_frames_of_the_same_file_are_refused(chosen: CalibrationSet) -> None:
    first, *rest = chosen.clips
    moved = replace(chosen, clips=(replace(first, start=first.start ^ 1), *rest))
    with pytest.raises(InputError, match="gives other frames"):
        list(CalibrationClips(moved, SPEC))


def test_data_that_were_moved_are_found_where_they_are_now(
    chosen: CalibrationSet, data: Path, tmp_path: Path
) -> None:
    data.rename(tmp_path / "moved")
    with pytest.raises(InputError):
        CalibrationClips(chosen, SPEC)
    assert len(list(CalibrationClips(chosen, SPEC, data=tmp_path / "moved"))) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "set.json is not JSON"),
        (b"[]", "set.json is no calibration set"),
        (b"\xff", "set.json is not JSON"),
        (b"{}", "calibration set has schema None"),
        (
            b'{"schema": "edgeecho-calibration-set-2", "clips": []}',
            "this edgeecho reads 'edgeecho-",
        ),
    ],
)
def test_what_is_no_set_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "set.json").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_set(tmp_path / "set.json")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", [{"clips": []}, {"clips": [{}]}, {"surprise": 1}])
def test_a_malformed_set_is_refused(
    chosen: CalibrationSet, change: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "set.json").write_text(json.dumps({**chosen.to_dict(), **change}))
    with pytest.raises(InputError):
        read_set(tmp_path / "set.json")
    with pytest.raises(InputError, match="cannot be read"):
        read_set(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda v: v["clips"][0].update(start="x"), "start is 'x'"),
        (lambda v: v["clips"][0].update(ef=True), "ef is True"),
        (lambda v: v.update(folder=5), "folder is 5"),
        (lambda v: v.update(clips=[1]), "malformed"),
    ],
)
def test_a_set_of_wrong_types_is_malformed(
    chosen: CalibrationSet, tmp_path: Path, change: Any, says: str
) -> None:
    value = json.loads(json.dumps(chosen.to_dict()))
    change(value)
    (tmp_path / "set.json").write_text(json.dumps(value))
    with pytest.raises(InputError, match=says):
        read_set(tmp_path / "set.json")
