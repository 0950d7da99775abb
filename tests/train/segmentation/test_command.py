"""`edgeecho train --task segmentation`: the command, its refusals, what the checkpoint says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from segmentation_run import OPTIONS, TINY, load

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


def test_export_release_and_training_for_ef_refuse_it_in_one_line(
    whole: Path, phantoms: Path, edgeecho: Any, tmp_path: Path
) -> None:
    best = whole / "best.pt"
    for words, says in (
        (("export", best, "--out", tmp_path / "out"), "holds a segmentation network"),
        (("release", best, "--out", tmp_path / "out.safetensors"), "trained for 'segmentation'"),
        (("train", phantoms, "--init", best, "--out", tmp_path / "out"), "'ef' is needed"),
    ):
        done = edgeecho(*words)
        assert done.returncode == 4
        assert says in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--task", "masks"], "choose ef or segmentation"),
        (["--network", "deeplabv3_resnet50"], "add --task segmentation"),
        ([*OPTIONS, "--network", "unet"], "lraspp_mobilenet_v3_large or deeplabv3_resnet50"),
        ([*OPTIONS, "--network", "deeplabv3_resnet50", "--width", "0.5"], "--width narrows lraspp"),
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
