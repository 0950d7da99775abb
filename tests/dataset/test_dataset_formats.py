"""A data set of mixed formats goes through every command that takes one."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import media
import numpy as np
import pytest
from as_dicom import write_dicom

from edgeecho.bundle import open_model
from edgeecho.cine import read_cine
from edgeecho.dataset import read_dataset
from edgeecho_calibration.sets import CalibrationClips, read_set

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow"
TINY = "--width 0.0625 --frames 16 --period 2 --size 56 --batch-size 5 --epochs 1 --workers 0"


def encode(source: Path, out: Path, codec: str, pixels: str, border: int = 0) -> None:
    """Another format; `border`: in a wider black picture, out of which the sector must be cut."""
    cine = read_cine(source)
    assert cine.fps is not None
    wide = ((0, 0), (border, border), (2 * border, border), (0, 0))
    frames = np.pad(cine.frames, wide)
    media.write_video(out, codec, pixels, frames=frames, fps=round(cine.fps))


def write_row(kind: int, source: Path, folder: Path) -> str:
    """One video in one of five formats; gives the FileName that it is listed under."""
    name = source.stem
    if kind == 0:
        shutil.copy(source, folder)
    elif kind == 1:
        encode(source, folder / f"{name}.mp4", "libx264", "yuv420p", border=40)
        name += ".mp4"
    elif kind == 2:
        encode(source, folder / f"{name}.MKV", "ffv1", "yuv444p")
    elif kind == 3:
        write_dicom(source, folder / f"{name}.dcm")
    else:  # as an archive names it
        name = f"1.2.840.113.{int(name[-5:])}"
        write_dicom(source, folder / name)
    return name


@pytest.fixture(scope="module")
def mixed(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The phantoms in five formats in turn; the listing does not say their frame rates."""
    root = tmp_path_factory.mktemp("mixed") / "set"
    (root / "Videos").mkdir(parents=True)
    rows = ["FileName,EF,Split"]
    for split in ("TRAIN", "VAL", "TEST"):
        for place, video in enumerate(read_dataset(phantoms, split=split)):
            # Three of VAL and TEST: the formats that are new.
            name = write_row((place + (split != "TRAIN")) % 5, video.path, root / "Videos")
            rows.append(f"{name},{video.ef},{split}")
    (root / "FileList.csv").write_text("\n".join(rows) + "\n")
    return root


def predictions(folder: Path) -> dict[str, list[float]]:
    """File -> EF of each clip."""
    efs: dict[str, list[float]] = {}
    with (folder / "predictions.csv").open() as stream:
        for file, _, ef in csv.reader(stream):
            efs.setdefault(file, []).append(float(ef))
    return efs


def test_evaluate_says_of_each_file_what_infer_says(
    edgeecho: Any, mixed: Path, tmp_path: Path
) -> None:
    videos = read_dataset(mixed, split="TRAIN")
    assert {".avi", ".mp4", ".MKV", ".dcm"} < {video.path.suffix for video in videos}
    clips = ["--clips", "stride:16"]
    done = edgeecho("evaluate", mixed, "--split", "train", *clips, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    efs = predictions(tmp_path / "out" / "fp32")
    assert list(efs) == [video.path.name for video in videos]
    results = json.loads(edgeecho("infer", *[v.path for v in videos], *clips, "--json").stdout)
    for result in results["results"]:
        assert result["clip_efs"] == pytest.approx(efs.pop(result["file"]), abs=1e-4)
        assert (result["video"]["area"] == "whole") == (not result["file"].endswith(".mp4"))
        assert result["video"]["fps"] is not None
    assert efs == {}


def test_it_trains_on_every_format(
    edgeecho: Any, mixed: Path, phantoms: Path, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    out = tmp_path / "run"
    done = edgeecho("train", mixed, "--out", out, *TINY.split(), "--resample", 50)
    assert done.returncode == 0, done.stderr
    best = torch.load(out / "best.pt", weights_only=True)
    videos = read_dataset(mixed, split="TRAIN")
    assert best["provenance"]["data"]["n_train"] == len(videos) == 10
    # Of VAL: an MP4, a Matroska and a DICOM file gave the clips.
    assert best["reference_clips"]["n"] == 3
    # The listing does not say it, the files do.
    rates = [read_cine(video.path).fps for video in videos]
    assert best["preprocess"]["training_fps"] == pytest.approx(np.median(rates))
    found = json.loads(edgeecho("stats", mixed).stdout)
    plain = json.loads(edgeecho("stats", phantoms).stdout)
    assert found["videos"] == plain["videos"] == 10
    assert found["fps"] == pytest.approx(plain["fps"], abs=0.5)
    # The same pictures; where the sector is cut out of a wide one, a little less black is left.
    assert found["mean"] == pytest.approx(plain["mean"], rel=0.1)


def test_it_calibrates_and_verifies_on_every_format(
    edgeecho: Any, mixed: Path, tmp_path: Path
) -> None:
    chosen = tmp_path / "set.json"
    bundle = Path(shutil.copytree(NARROW / "bundle", tmp_path / "bundle"))
    done = edgeecho("calibrate", "select", mixed, "--n", 10, "--model", bundle, "--out", chosen)
    assert done.returncode == 0, done.stderr
    names = [clip["video"] for clip in json.loads(chosen.read_text())["clips"]]
    assert sorted(names) == sorted(video.name for video in read_dataset(mixed, split="TRAIN"))
    # What `export --int8` runs; each clip is cut again and held to its hash.
    spec = open_model(bundle).preprocess
    assert len(list(CalibrationClips(read_set(chosen), spec))) == 10

    done = edgeecho("calibrate", "trust", mixed, "--model", bundle, "--split", "train",
                    "--clips", "center", "--level", 0.7, "--least", 4)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "of 10 TRAIN videos" in done.stderr

    done = edgeecho("verify", bundle, "--data", mixed, "--clips", 3)
    assert done.returncode == 0, done.stderr
    assert "3 TEST clips" in done.stdout
