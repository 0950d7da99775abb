"""`edgeecho train --task segmentation`: the command, its refusals, what the checkpoint says."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

import pytest
import torch
from segmentation_run import OPTIONS, TINY, load

from edgeecho.common.files import sha256_file
from edgeecho.dataset import read_dataset
from edgeecho_train.checkpoint import SEGMENTATION, load_checkpoint
from edgeecho_train.recipe import SegmentationRecipe

pytestmark = pytest.mark.slow


def test_checkpoint_says_what_it_is(whole: Path, edgeecho: Any) -> None:
    best = load(whole / "best.pt")
    assert (best["task"], best["architecture"]) == ("segmentation", TINY.network)
    assert best["width"] == 1
    assert best["provenance"]["recipe"] == TINY.to_dict()
    assert best["provenance"]["skill"] is best["reference_clips"] is None
    shown = edgeecho("inspect", whole / "best.pt").stdout
    assert "model           lraspp_mobilenet_v3_large, segmentation, width 1" in shown
    assert "Network, one frame of 1x3x32x32" in shown
    assert "3,218,138" in shown
    assert "EF in %" not in shown


def test_export_recalibration_and_training_for_ef_refuse_it_in_one_line(
    whole: Path, phantoms: Path, edgeecho: Any, tmp_path: Path
) -> None:
    best = whole / "best.pt"
    for words, says in (
        (("export", best, "--out", tmp_path / "out"), "holds a segmentation network"),
        (
            ("release", best, "--out", tmp_path / "out.safetensors", "--recalibrate", phantoms),
            "trained for 'segmentation'",
        ),
        (("train", phantoms, "--init", best, "--out", tmp_path / "out"), "'ef' is needed"),
    ):
        done = edgeecho(*words)
        assert done.returncode == 4
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_release_rounds_it_to_fp16(
    whole: Path, phantoms: Path, edgeecho: Any, tmp_path: Path
) -> None:
    out = tmp_path / "released.safetensors"
    done = edgeecho("release", whole / "best.pt", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "3,218,138 weights in FP16" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == [out.name]
    best, released = load(whole / "best.pt"), load_checkpoint(out, SEGMENTATION)
    for key in ("task", "architecture", "width", "preprocess", "reference_clips"):
        assert released[key] == best[key]
    name = "classifier.cbr.0.weight"
    assert torch.equal(released["state_dict"][name], best["state_dict"][name].half().float())
    assert "3,218,138" in edgeecho("inspect", out).stdout
    words = ("--init", out, "--out", tmp_path / "run", *OPTIONS)
    assert edgeecho("train", phantoms, *words).returncode == 0


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--task", "masks"], "choose ef or segmentation"),
        (["--network", "deeplabv3_resnet50"], "--network is an option of --task segmentation: add"),
        ([*OPTIONS, "--network", "unet"], "lraspp_mobilenet_v3_large or deeplabv3_resnet50"),
        ([*OPTIONS, "--network", "deeplabv3_resnet50", "--width", "0.5"], "--width narrows lraspp"),
        ([*OPTIONS, "--like", "models/narrow"], "--size is what --like says"),
        (["--like", "some.pt"], "--like is an option of --task segmentation"),
        ([*OPTIONS, "--frames", "16"], "--frames is an option of --task ef"),
        ([*OPTIONS, "--workers", "2"], "--workers is an option of --task ef"),
        ([*OPTIONS, "--recipe", "some.toml"], "--recipe is an option of --task ef"),
        ([*OPTIONS, "--init", "kinetics"], "weights of an EF network"),
        ([*OPTIONS, "--batch-size", "1"], "give 2 or more"),
        ([*OPTIONS, "--freeze-batch-norm"], "give --init"),
    ],
)
def test_options_that_do_not_fit_are_one_line(
    edgeecho: Any, phantoms: Path, tmp_path: Path, options: list[object], says: str
) -> None:
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_command_trains_with_the_networks_own_recipe(
    edgeecho: Any, phantoms: Path, tmp_path: Path
) -> None:
    words = (
        "--task",
        "segmentation",
        "--size",
        32,
        "--epochs",
        1,
        "--resample",
        50,
        "--width",
        0.5,
    )
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *words)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (
        "lraspp_mobilenet_v3_large, width 0.5, 847,394 parameters, on cpu; 10 training and 3"
        in done.stderr
    )
    assert ", Dice 0." in done.stderr
    saved = load(tmp_path / "run" / "best.pt")
    own = SegmentationRecipe(size=32, epochs=1, time="resample(50)", width=0.5)
    assert saved["provenance"]["recipe"] == own.to_dict()
    assert saved["preprocess"]["time"] == "resample(50)"


LIKE = Path(__file__).parents[3] / "models" / "narrow"


@pytest.mark.parametrize("source", ["best.pt", "bundle"])
def test_like_gives_it_the_frames_of_an_ef_network(
    edgeecho: Any, phantoms: Path, tmp_path: Path, source: str
) -> None:
    words = ("train", phantoms, "--task", "segmentation", "--width", 0.0625, "--epochs", 1)
    out = tmp_path / "run"
    done = edgeecho(*words, "--like", LIKE / source, "--out", out)
    assert done.returncode == 0, done.stderr
    saved, ef = load(out / "best.pt"), load(LIKE / "best.pt")
    file = LIKE / source
    if source == "bundle":
        file = file / "manifest.json"
    assert saved["provenance"]["recipe"]["like"] == f"sha256:{sha256_file(file)}"
    own = {"frames", "period", "training_fps"}
    assert {k: v for k, v in saved["preprocess"].items() if k not in own} == {
        k: v for k, v in ef["preprocess"].items() if k not in own
    }
    # How often pictures were taken is the videos' own.
    rates = [video.fps for video in read_dataset(phantoms, split="TRAIN")]
    assert saved["preprocess"]["training_fps"] == median(rates)
    assert (saved["preprocess"]["frames"], saved["preprocess"]["period"]) == (1, 1)
    again = edgeecho(*words, "--out", out, "--resume")
    assert again.returncode == 2
    assert "other options (like sha256:" in again.stderr
    assert edgeecho(*words, "--like", LIKE / source, "--out", out, "--resume").returncode == 0
