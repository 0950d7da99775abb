"""A miniature of EchoNet-Dynamic, with what its readers trip over."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import media
import numpy as np
import pytest

LENGTHS = {"0X1A": 24, "0X2B": 62, "0X3C": 64, "0X4D": 65, "0X5E": 90}


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short videos, names with and without suffix, Split in any case, no FPS, no description.

    The tracings of the first video begin with end-systole, those of the second are missing.
    """
    root = tmp_path_factory.mktemp("mini") / "EchoNet-Dynamic"
    (root / "Videos").mkdir(parents=True)
    for name, frames in LENGTHS.items():
        media.write_video(root / "Videos" / f"{name}.avi", frames=media.phantom_frames()[:frames])
    (root / "FileList.csv").write_text(
        "FileName,EF,ESV,EDV,FrameHeight,FrameWidth,NumberOfFrames,Split\n"
        "0X1A,30.5,40,80,112,112,24,test\n"
        "0X2B.avi,44.0,40,80,112,112,62,TEST\n"
        "0X3C,55.5,40,80,112,112,64,Test\n"
        "0X5E,60,40,80,112,112,90,train\n"
        "0X4D.avi,65.0,40,80,112,112,65,TEST\n"
    )
    (root / "VolumeTracings.csv").write_text(
        "FileName,X1,Y1,X2,Y2,Frame\n"
        "0X1A.avi,50,20,60,60,20\n0X1A.avi,45,40,65,40,20\n"
        "0X1A.avi,45,15,65,80,4\n0X1A.avi,30,50,80,50,4\n"
    )
    return root


@pytest.mark.slow
def test_all_clips_as_published(
    edgeecho: Any, miniature: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    done = edgeecho("evaluate", miniature, "--model", narrow_bundle, "--clips", "all", "--also",
                    "one", "--out", tmp_path / "out", "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["videos"] == 4
    assert value["data"] == "an EchoNet-format data set without a description"

    with (tmp_path / "out" / "fp32" / "predictions.csv").open() as stream:
        rows = list(csv.reader(stream))
    places: dict[str, list[int]] = {}
    efs: dict[str, list[float]] = {}
    for name, place, ef in rows:
        places.setdefault(name, []).append(int(place))
        efs.setdefault(name, []).append(float(ef))
    tested = ["0X1A.avi", "0X2B.avi", "0X3C.avi", "0X4D.avi"]  # in the order of the file
    assert list(places) == tested
    for name in tested:
        assert places[name] == list(range(max(LENGTHS[name[:-4]], 64) - 62))

    truth = [30.5, 44.0, 55.5, 65.0]
    errors = [np.mean(efs[name]) - ef for name, ef in zip(tested, truth, strict=True)]
    whole, one = (result["over_all_videos"] for result in value["results"])
    assert whole["mae"] == pytest.approx(np.mean(np.abs(errors)), abs=1e-3)
    assert whole["rmse"] == pytest.approx(np.sqrt(np.mean(np.square(errors))), abs=1e-3)
    assert whole["r2"] == pytest.approx(
        1 - np.sum(np.square(errors)) / np.sum(np.square(truth - np.mean(truth))), abs=1e-3
    )
    singles = [efs[name][np.random.default_rng(0).integers(len(efs[name]))] for name in tested]
    assert one["mae"] == pytest.approx(np.mean(np.abs(np.subtract(singles, truth))), abs=1e-3)


def test_a_missing_video_is_named(
    edgeecho: Any, miniature: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(miniature, tmp_path / "data"))
    (data / "Videos" / "0X4D.avi").unlink()
    done = edgeecho("evaluate", data, "--model", narrow_bundle)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "1 of 5 videos" in done.stderr
    assert "the first is 0X4D.avi" in done.stderr
