from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from edgeecho.common.errors import UsageError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import read_dataset
from edgeecho.dataset.reference import load_reference_clips
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train import loop
from edgeecho_train.data import ClipDataset, ClipKey
from edgeecho_train.network import R2Plus1D18
from edgeecho_train.recipe import TrainingRecipe
from edgeecho_train.start import train

pytestmark = pytest.mark.slow

FILES = {"best.pt", "last.pt", "log.csv", "loss.png", "run.json", "reference_clips.npz"}
TINY = TrainingRecipe(width=0.0625, frames=16, period=4, size=32, batch_size=2, epochs=2, lr=1e-3)
ADAMW = replace(TINY, optimizer="adamw", schedule="onecycle", loss="smooth-l1")
OPTIONS = "--width 0.0625 --frames 16 --period 4 --size 32 --batch-size 2 --epochs 2 --lr 1e-3"


def go(data: Path, out: Path, recipe: TrainingRecipe, *, resume: bool = False) -> None:
    train(data, out, recipe, resume=resume, device="cpu", workers=0, init="random")


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def assert_same_run(found: Path, expected: Path) -> None:
    for name in ("best.pt", "last.pt"):
        weights, theirs = (load(run / name)["state_dict"] for run in (found, expected))
        torch.testing.assert_close(weights, theirs, rtol=1e-4, atol=1e-5)
    for row, other in zip(rows(found), rows(expected), strict=True):
        del row["seconds"], other["seconds"]
        assert row == pytest.approx(other, rel=1e-4)


def published_loss(checkpoint: Path, videos: Any) -> float:
    """Mean squared error on the validation clips, without the training loop."""
    value = load(checkpoint)
    network = R2Plus1D18(value["width"]).eval()
    network.load_state_dict(value["state_dict"])
    spec = PreprocessSpec.from_dict(value["preprocess"])
    clips = ClipDataset(videos, spec, pad=6, seed=TINY.seed)
    with torch.inference_mode():
        pairs = [clips[ClipKey(-1, i)] for i in range(len(videos))]
        errors = [float(network(clip[None])) - float(ef) for clip, ef in pairs]
    return float(np.mean(np.square(errors)))


@pytest.fixture(scope="module")
def whole(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    go(phantoms, out, TINY)
    return out


def test_run_leaves_its_files_and_nothing_else(whole: Path) -> None:
    assert {file.name for file in whole.iterdir()} == FILES
    assert (whole / "loss.png").read_bytes().startswith(b"\x89PNG")


def test_log_has_a_row_an_epoch(whole: Path) -> None:
    header, *lines = (whole / "log.csv").read_text().splitlines()
    assert header == "epoch,train_loss,val_loss,val_mae,val_correlation,lr,seconds"
    assert [line.split(",")[0] for line in lines] == ["1", "2"]
    for row in rows(whole):
        assert 0 < row["val_mae"] <= row["val_loss"] ** 0.5 * 1.0001
        assert row["lr"] == pytest.approx(1e-3)


def test_best_is_the_epoch_of_the_lowest_validation_loss(whole: Path, phantoms: Path) -> None:
    lowest = min(rows(whole), key=lambda row: row["val_loss"])
    (result,) = load(whole / "best.pt")["provenance"]["result"]
    assert result["epoch"] == lowest["epoch"]
    loss = published_loss(whole / "best.pt", read_dataset(phantoms, split="VAL"))
    assert loss == pytest.approx(lowest["val_loss"], rel=1e-3)


def test_training_moves_the_weights(whole: Path) -> None:
    torch.manual_seed(TINY.seed)
    start = R2Plus1D18(TINY.width).state_dict()
    end = load(whole / "last.pt")["state_dict"]
    assert start.keys() == end.keys()
    assert all(not torch.equal(start[k], end[k]) for k in start)


def test_checkpoints_carry_what_export_needs(whole: Path, phantoms: Path) -> None:
    best, last = load(whole / "best.pt"), load(whole / "last.pt")
    assert set(last) - set(best) == {"run"}
    assert best["format"] == "edgeecho-checkpoint-1"
    assert (best["architecture"], best["width"]) == ("r2plus1d_18", 0.0625)
    spec = PreprocessSpec.from_dict(best["preprocess"])
    assert (spec.frames, spec.period, spec.size) == (16, 4, 32)
    rates = [video.fps for video in read_dataset(phantoms, split="TRAIN")]
    assert spec.training_fps == pytest.approx(np.median(rates))
    assert best["provenance"]["recipe"] == TINY.to_dict()
    assert best["provenance"]["data"]["file_list_sha256"] == sha256_file(phantoms / "FileList.csv")


def test_skill_is_that_of_the_weights_beside_it(whole: Path, phantoms: Path) -> None:
    truth = np.array([video.ef for video in read_dataset(phantoms, split="VAL")], np.float32)
    of_constant = np.abs(truth - np.median(truth)).mean()
    for name in ("best.pt", "last.pt"):
        provenance = load(whole / name)["provenance"]
        skill, (result,) = provenance["skill"], provenance["result"]
        assert (skill["n"], skill["mae"]) == (len(truth), result["val_mae"])
        assert skill["mae_of_constant"] == pytest.approx(of_constant, rel=1e-6)
        assert skill["data"] == f"VAL videos of: {provenance['data']['description']}"


def test_weights_within_an_epoch_claim_no_skill(phantoms: Path, tmp_path: Path) -> None:
    batches = sum(v.split == "TRAIN" for v in read_dataset(phantoms)) // 2
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_SNAPSHOT_SECONDS", -1.0)
        patch.setattr(loop.Training, "step", stop_in(loop.Training.step, batches + 1))
        with pytest.raises(Stop):
            go(phantoms, tmp_path / "run", TINY)
    provenance = load(tmp_path / "run" / "last.pt")["provenance"]
    assert provenance["result"], "of the epoch before"
    assert provenance["skill"] is None
    assert load(tmp_path / "run" / "best.pt")["provenance"]["skill"]["n"] > 0


def test_reference_clips_are_validation_videos(whole: Path, phantoms: Path) -> None:
    facts = load(whole / "best.pt")["reference_clips"]
    reference = load_reference_clips(whole / facts["file"], facts["sha256"])
    efs = sorted(video.ef for video in read_dataset(phantoms, split="VAL"))
    assert facts["n"] == len(efs)
    assert reference.efs.tolist() == pytest.approx(efs)
    assert reference.clips.shape == (len(efs), 16, 32, 32, 3)


def test_best_stays_when_an_epoch_is_worse(whole: Path, phantoms: Path, tmp_path: Path) -> None:
    go(phantoms, tmp_path / "run", replace(TINY, epochs=1))
    last = load(tmp_path / "run" / "last.pt")
    last["run"]["position"]["best_loss"] = 0.0
    last["provenance"]["recipe"]["epochs"] = 2
    torch.save(last, tmp_path / "run" / "last.pt")
    before = (tmp_path / "run" / "best.pt").read_bytes()
    go(phantoms, tmp_path / "run", TINY, resume=True)
    assert (tmp_path / "run" / "best.pt").read_bytes() == before
    assert load(tmp_path / "run" / "last.pt")["run"]["position"]["epoch"] == 2


class Stop(BaseException):
    """As abrupt as Ctrl-C."""


def stop_in(function: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """`function` until it has been called often enough; then the run ends there and then."""
    count = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        if count > calls:
            raise Stop
        return function(*args, **kwargs)

    return counted


@pytest.mark.parametrize(("function", "calls"), [("step", 3), ("step", 7), ("_validate", 1)])
@pytest.mark.parametrize("recipe", [TINY, ADAMW], ids=["sgd", "adamw"])
def test_run_stopped_within_an_epoch_ends_as_if_it_had_not_been(
    recipe: TrainingRecipe, function: str, calls: int, whole: Path, adamw: Path, phantoms: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    owner = loop.Training if function == "step" else loop
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_SNAPSHOT_SECONDS", -1.0)
        patch.setattr(owner, function, stop_in(getattr(owner, function), calls))
        with pytest.raises(Stop):
            go(phantoms, tmp_path / "run", recipe)
    position = load(tmp_path / "run" / "last.pt")["run"]["position"]
    batches = sum(v.split == "TRAIN" for v in read_dataset(phantoms)) // 2
    done = 2 * batches if function == "_validate" else calls
    assert position["epoch"] * batches + position["batch"] == done
    assert position["batch"] > 0, "stopped between epochs"
    go(phantoms, tmp_path / "run", recipe, resume=True)
    assert_same_run(tmp_path / "run", whole if recipe is TINY else adamw)


@pytest.fixture(scope="module")
def adamw(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with the other optimizer, schedule and loss."""
    out = tmp_path_factory.mktemp("adamw") / "run"
    go(phantoms, out, ADAMW)
    return out


def test_onecycle_goes_up_to_lr_and_down(
    phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used = []
    step = loop.Training.step

    def noted(self: loop.Training, *batch: torch.Tensor) -> float:
        used.append(self.optimizer.param_groups[0]["lr"])
        return step(self, *batch)

    monkeypatch.setattr(loop.Training, "step", noted)
    go(phantoms, tmp_path / "run", ADAMW)
    top = int(np.argmax(used))
    assert max(used) == pytest.approx(1e-3, rel=0.05)
    assert used[0] < 1e-4
    assert used[-1] < 1e-6
    assert used == sorted(used[:top]) + sorted(used[top:], reverse=True)


def test_bfloat16_trains(phantoms: Path, tmp_path: Path) -> None:
    recipe = replace(TINY, bf16=True, frames=24, period=2, epochs=1)
    go(phantoms, tmp_path / "run", recipe)
    (row,) = rows(tmp_path / "run")
    assert 0 < row["train_loss"] < 3000
    weights = load(tmp_path / "run" / "best.pt")["state_dict"].values()
    assert {w.dtype for w in weights} == {torch.float32, torch.int64}


def test_frozen_batch_norm_keeps_the_statistics_that_init_brings(
    whole: Path, phantoms: Path, tmp_path: Path
) -> None:
    frozen = replace(ADAMW, freeze_batch_norm=True, epochs=1)
    init = str(whole / "best.pt")
    train(phantoms, tmp_path, frozen, resume=False, device="cpu", workers=0, init=init)
    before, after = (load(run / "best.pt")["state_dict"] for run in (whole, tmp_path))
    for name in before:
        kept = name.endswith(("running_mean", "running_var", "num_batches_tracked"))
        assert torch.equal(before[name], after[name]) == kept, name
    with pytest.raises(UsageError, match="random weights have none: give --init"):
        go(phantoms, tmp_path / "random", frozen)


def test_loss_that_is_no_number_ends_the_run(phantoms: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lower --lr"):
        go(phantoms, tmp_path / "run", replace(TINY, lr=1e12))
    assert not (tmp_path / "run" / "best.pt").exists()


def test_one_validation_video_has_no_correlation(phantoms: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "Videos").symlink_to(phantoms / "Videos")
    head, *rest = (phantoms / "FileList.csv").read_text().splitlines()
    first = next(i for i, line in enumerate(rest) if line.endswith("VAL"))
    rest = [v if i == first else v.replace("VAL", "TRAIN") for i, v in enumerate(rest)]
    (tmp_path / "data" / "FileList.csv").write_text("\n".join([head, *rest]) + "\n")
    go(tmp_path / "data", tmp_path / "run", replace(TINY, epochs=1))
    (result,) = load(tmp_path / "run" / "best.pt")["provenance"]["result"]
    # None, not NaN: it goes into the manifest, which is JSON.
    assert result["val_correlation"] is None
    assert result["val_mae"] > 0


def test_log_lost_between_two_writes_comes_back(
    phantoms: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "write_log", stop_in(loop.write_log, 1))
        with pytest.raises(Stop):
            go(phantoms, out, TINY)
    go(phantoms, out, TINY, resume=True)
    assert_same_run(out, whole)


def test_killed_process_resumes_to_the_same_weights(
    phantoms: Path, whole: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    code = "from edgeecho.cli.app import main; main()"
    words = ["train", str(phantoms), "--out", str(out), *OPTIONS.split()]
    errors = tmp_path / "stderr"
    with errors.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], stderr=stream, start_new_session=True
        )
        while not (out / "last.pt").exists() and process.poll() is None:
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, errors.read_text()
    assert len(rows(out)) == 1, "killed too late for this test"
    assert {file.name for file in out.iterdir()} >= FILES
    assert load(out / "best.pt")["width"] == 0.0625
    go(phantoms, out, TINY, resume=True)
    assert_same_run(out, whole)


def test_resumed_run_that_was_done_stays_as_it_is(whole: Path, phantoms: Path) -> None:
    before = {file.name: file.read_bytes() for file in whole.iterdir()}
    go(phantoms, whole, TINY, resume=True)
    assert {file.name: file.read_bytes() for file in whole.iterdir()} == before
