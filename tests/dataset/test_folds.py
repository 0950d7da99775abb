"""EchoNet-Pediatric's form: numbered folds, and the choice beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import media
import pytest

from edgeecho.bundle import read_manifest
from edgeecho.common.errors import InputError
from edgeecho.dataset import describe_dataset, read_dataset

CHOICE = "train=0-7 val=8 test=9"
HEADER = "FileName,EF,Sex,Age,Weight,Height,Split\n"


@pytest.fixture
def pediatric(tmp_path: Path) -> Path:
    """A view's folder as it is published: 20 rows of ten folds, names with .avi, no FPS."""
    root = tmp_path / "A4C"
    (root / "Videos").mkdir(parents=True)
    first = media.write_video(root / "Videos" / "CR32a0-0.avi")
    for row in range(1, 20):
        shutil.copy(first, root / "Videos" / f"CR32a0-{row}.avi")
    rows = [f"CR32a0-{row}.avi,{40 + row}.5,F,7,22.5,120.1,{row % 10}\n" for row in range(20)]
    (root / "FileList.csv").write_text(HEADER + "".join(rows))
    return root


def choose(root: Path, text: str) -> None:
    (root / "FOLDS.txt").write_text(text)


def test_numbered_folds_without_a_choice_say_how_to_choose(edgeecho: Any, pediatric: Path) -> None:
    done = edgeecho("evaluate", pediatric)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert f"FOLDS.txt, a line such as {CHOICE}" in done.stderr
    assert "FileList.csv:2: Split is 0, the number of a fold" in done.stderr


@pytest.mark.parametrize(
    "text", [CHOICE, "test=9\nTRAIN=4-7,0-3\n\nVal=8\n", "\ufefftrain=0,1,2,3,4-7 val=8-8 test=9"]
)
def test_the_choice_makes_splits_and_is_told(pediatric: Path, text: str) -> None:
    (pediatric / "FOLDS.txt").write_text(text, encoding="utf-8")
    videos = read_dataset(pediatric)
    splits = {video.name: video.split for video in videos}
    assert len(splits) == 20
    assert {n for n, split in splits.items() if split == "TEST"} == {"CR32a0-9", "CR32a0-19"}
    assert {n for n, split in splits.items() if split == "VAL"} == {"CR32a0-8", "CR32a0-18"}
    assert len(read_dataset(pediatric, split="TRAIN")) == 16
    assert [video.fps for video in videos] == [None] * 20
    (pediatric / "DESCRIPTION.txt").write_text("children\n")
    assert describe_dataset(pediatric) == "children (folds train=0,1,2,3,4,5,6,7 val=8 test=9)"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train=0-8 val=8 test=9", "names fold 8 twice"),
        ("train=0-7 val=8", "fold 9 is in no split of .*FOLDS.txt"),
        ("train=0-7 val=8 test=9-10", "names fold 10, which no row of FileList.csv has"),
        ("train=0-7,val=8,test=9", "'train=0-7,val=8,test=9' is not understood: write it like"),
        ("holdout=9", "'holdout=9' is not understood"),
        ("train=-1", "not understood"),
        ("train=7-0 val=8 test=9", "fold 0 is in no split"),
        ("", "names no folds"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_an_error(pediatric: Path, text: str, words: str) -> None:
    choose(pediatric, text)
    with pytest.raises(InputError, match=words):
        read_dataset(pediatric)


def test_a_choice_in_another_encoding_is_an_error(pediatric: Path) -> None:
    (pediatric / "FOLDS.txt").write_text(CHOICE, encoding="utf-16")
    with pytest.raises(InputError, match="not UTF-8 text"):
        read_dataset(pediatric)


def test_a_choice_is_for_numbered_folds_only(pediatric: Path) -> None:
    choose(pediatric, CHOICE)
    (pediatric / "FileList.csv").write_text(HEADER + "CR32a0-0.avi,40,F,7,22,120,TRAIN\n")
    with pytest.raises(InputError, match=r"Split is 'TRAIN', not the number of a fold.*remove"):
        read_dataset(pediatric)


@pytest.mark.slow
def test_another_choice_is_another_evaluation(
    edgeecho: Any, pediatric: Path, narrow_bundle: Path, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))
    command = ["evaluate", pediatric, "--model", bundle, "--clips", "center", "--record"]
    choose(pediatric, CHOICE)
    done = edgeecho(*command, "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    first = "(folds train=0,1,2,3,4,5,6,7 val=8 test=9)"
    value = json.loads(done.stdout)
    assert (value["videos"], first in value["data"]) == (2, True)
    assert first in (tmp_path / "out" / "index.html").read_text()

    choose(pediatric, "train=1-8 val=9 test=0")
    done = edgeecho(*command, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert "another run (not the same data)" in done.stderr
    assert edgeecho(*command).returncode == 0
    second = "(folds train=1,2,3,4,5,6,7,8 val=9 test=0)"
    assert [first in e["data"] for e in read_manifest(bundle).evaluation] == [True, False]
    card = (bundle / "model-card.md").read_text()
    assert first in card
    assert second in card
