from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import open_model, read_manifest
from edgeecho.dataset import read_dataset
from edgeecho.inference import estimate_file, load_model
from edgeecho.tools.evaluate import evaluate

pytestmark = pytest.mark.slow


@pytest.fixture
def two_videos(phantoms: Path, tmp_path: Path) -> Path:
    """A data set of two TEST rows of the phantoms."""
    root = tmp_path / "two"
    (root / "Videos").mkdir(parents=True)
    rows = (phantoms / "FileList.csv").read_text().splitlines()
    kept = [row for row in rows if row.endswith("TEST")][:2]
    (root / "FileList.csv").write_text("\n".join([rows[0], *kept]) + "\n")
    for row in kept:
        name = f"{row.partition(',')[0]}.avi"
        shutil.copy(phantoms / "Videos" / name, root / "Videos" / name)
    return root


def test_it_compares_every_video_and_precision_and_records_them(
    edgeecho: Any, phantoms: Path, pair_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(pair_bundle, tmp_path / "bundle"))
    command = ["evaluate", phantoms, "--model", bundle, "--split", "val", "--record",
               "--precision", "fp32", "--precision", "fp16", "--also", "center",
               "--clips", "stride:4"]  # fmt: skip
    done = edgeecho(*command, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value == json.loads((tmp_path / "out" / "metrics.json").read_text())
    first, center, other, _ = value["results"]

    videos = read_dataset(phantoms, split="VAL")
    with (tmp_path / "out" / "fp32" / "videos.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["FileName"] for row in rows] == [video.name for video in videos]
    errors = [abs(float(r["Predicted"]) - v.ef) for r, v in zip(rows, videos, strict=True)]
    mae = first["over_all_videos"]["mae"]
    assert mae == pytest.approx(np.mean(errors), abs=0.01)
    interval = first["over_all_videos"]["intervals"]["mae"]
    assert interval["low"] <= mae <= interval["high"]
    assert interval["level"] == 0.9

    assert other["drift"]["reference"] == "fp32"
    assert [other["drift"][k] for k in ("mean", "p95", "max")] == pytest.approx([2] * 3, abs=1e-3)
    change = other["over_all_videos"]["mae"] - mae
    assert other["mae_change"]["value"] == pytest.approx(change)
    assert min(result["speed"]["ms_per_video"] for result in (center, first)) > 0
    assert other["bytes"] == (bundle / "fp16.onnx").stat().st_size

    words = edgeecho(*command).stdout
    entries = read_manifest(bundle).evaluation  # measured again: replaced, not added
    assert [(e["precision"], e["clips"]) for e in entries] == [
        ("fp32", "stride:4"), ("fp32", "center"), ("fp16", "stride:4"), ("fp16", "center"),
    ]  # fmt: skip
    assert f"{mae:.2f}" in (bundle / "model-card.md").read_text()
    card = (bundle / "model-card.md").read_text()
    assert "always answering the mean" in card
    # Groups of the first evaluation of the data set, and no more.
    bands = [group for group in first["groups"] if group["name"].startswith("true EF")]
    assert sum(band["n"] for band in bands) == len(videos)
    for band in bands:
        assert card.count(f"| {band['name']} | {band['n']} | {band['refused']} |") == 1
        assert band["name"] in words
    skill = read_manifest(bundle).skill
    assert skill is not None
    assert (skill.n, skill.mae) == (len(videos), pytest.approx(mae))
    median = np.median([video.ef for video in videos])
    assert skill.mae_of_constant == pytest.approx(np.mean([abs(v.ef - median) for v in videos]))
    assert skill.how.startswith("stride:4, fp32 on openvino ")
    edgeecho(*command[:4], "--split", "train", "--clips", "center", "--record")
    assert read_manifest(bundle).skill == skill, "videos of training show nothing"
    open_model(bundle)  # recording has not broken the bundle

    for shown in (f"{mae:.2f} (", "90 % bootstrap", "from fp32", "Accuracy against clips"):
        assert shown in words
    assert words.splitlines()[-1] == "Research use only, not for diagnosis."


def test_coarser_modes_are_those_of_runs_of_their_own(
    two_videos: Path, narrow_bundle: Path
) -> None:
    model = load_model(narrow_bundle)
    model = replace(model, file=replace(model.file, shared=None))
    ((finest, *coarser),) = evaluate(
        two_videos, [model], split="TEST", clips="all", also=["stride:3", "center", "one"]
    ).runs
    for run in coarser:
        assert run.computed == 2
        for video, prediction in zip(read_dataset(two_videos), run.predictions, strict=True):
            direct = estimate_file(video.path, model, clips=run.clips)
            assert prediction.clip_efs == direct.clip_efs
            assert prediction.ef == direct.ef
            assert prediction.interval == direct.interval
    assert coarser[0].predictions[0].engine_ms < finest.predictions[0].engine_ms


def test_of_clips_answered_together_the_time_of_fewer_is_measured(
    phantoms: Path, narrow_bundle: Path
) -> None:
    model = load_model(narrow_bundle)
    ((finest, center),) = evaluate(
        phantoms, [model], split="TRAIN", clips="all", also=["center"]
    ).runs
    assert all(p.clips_shared for p in finest.predictions)
    assert len(finest.predictions) == 10
    # One in two of the ten videos: at most eight.
    assert center.timed == center.ran == center.predictions[::2]
    assert center.computed == 5
    videos = read_dataset(phantoms, split="TRAIN")
    for video, prediction in zip(videos, center.predictions, strict=True):
        direct = estimate_file(video.path, model, clips="center")
        assert prediction.ef == pytest.approx(direct.ef, abs=1e-3)
        assert not direct.clips_shared


def test_a_clip_that_the_finest_run_lacks_is_run(two_videos: Path, narrow_bundle: Path) -> None:
    model = load_model(narrow_bundle)
    # 70 frames have 8 starts, the central one is 3: stride:3 holds it, stride:4 does not.
    for clips, computed in [("stride:3", 2), ("stride:4", 0)]:
        evaluation = evaluate(two_videos, [model], split="TEST", clips=clips, also=["center"])
        center = evaluation.runs[0][1]
        assert center.computed == computed
        for video, prediction in zip(evaluation.videos, center.predictions, strict=True):
            assert prediction.ef == estimate_file(video.path, model, clips="center").ef


def test_results_go_into_a_folder_of_their_own(
    edgeecho: Any, two_videos: Path, narrow_bundle: Path
) -> None:
    before = sorted(two_videos.rglob("*"))
    for out, words in [
        (two_videos, "holds something else"),
        (narrow_bundle, "holds something else"),
        (two_videos / "FileList.csv", "is not a folder"),
    ]:
        done = edgeecho("evaluate", two_videos, "--model", narrow_bundle, "--out", out)
        assert (done.returncode, done.stdout) == (2, "")
        assert words in done.stderr
    assert sorted(two_videos.rglob("*")) == before


def test_without_the_extra_it_says_what_to_install(
    edgeecho: Any, two_videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.common.plugins.missing_of_extra", lambda extra: ("scikit-learn",))
    done = edgeecho("evaluate", two_videos)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1)
    assert "needs scikit-learn" in done.stderr
    assert "pip install 'edgeecho[evaluate]'" in done.stderr
