from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from edgeecho_train import start
from edgeecho_train.checkpoint import trained_on, training_history
from edgeecho_train.recipe import TrainingRecipe
from edgeecho_train.start import train

OPTIONS = "--width 0.0625 --frames 16 --period 4 --size 56 --batch-size 4 --workers 0"
TINY = OPTIONS.split()


@pytest.fixture(scope="module")
def finished(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one tiny epoch."""
    out = tmp_path_factory.mktemp("cli") / "run"
    recipe = TrainingRecipe(width=0.0625, frames=16, period=4, size=56, batch_size=4, epochs=1)
    train(phantoms, out, recipe, resume=False, device="auto", workers=0, init="random")
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.slow
def test_existing_run_is_not_overwritten(edgeecho, phantoms: Path, finished: Path) -> None:
    before = contents(finished)
    done = edgeecho("train", phantoms, "--out", finished, *TINY, "--epochs", 1)
    assert done.returncode == 2
    assert "--resume" in done.stderr
    assert contents(finished) == before


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--lr", "0.5"], "lr 0.0001 -> 0.5"),
        (["--epochs", "2"], "epochs 1 -> 2"),
        (["--width", "0.125"], "width 0.0625 -> 0.125"),
        (["--seed", "1"], "seed 0 -> 1"),
    ],
)
def test_resume_with_other_options_is_a_usage_error(
    edgeecho, phantoms: Path, finished: Path, options: list[str], named: str
) -> None:
    before = contents(finished)
    arguments = [*TINY, "--epochs", 1, *options]
    done = edgeecho("train", phantoms, "--out", finished, "--resume", *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert contents(finished) == before


def test_resume_of_nothing_is_a_usage_error(edgeecho, phantoms: Path, tmp_path: Path) -> None:
    done = edgeecho("train", phantoms, "--out", tmp_path / "typo", "--resume", *TINY)
    assert done.returncode == 2
    assert "no run to resume" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_resume_on_other_data_is_a_usage_error(
    edgeecho, phantoms: Path, finished: Path, tmp_path: Path
) -> None:
    other = shutil.copytree(phantoms, tmp_path / "other")
    listing = other / "FileList.csv"
    listing.write_text(listing.read_text().replace("TEST", "TRAIN"))
    done = edgeecho("train", other, "--out", finished, "--resume", *TINY, "--epochs", 1)
    assert done.returncode == 2
    assert "other data" in done.stderr
    # Where folds were chosen, the same listing is told otherwise.
    shutil.copy(phantoms / "FileList.csv", other)
    (other / "DESCRIPTION.txt").write_text("others")
    done = edgeecho("train", other, "--out", finished, "--resume", *TINY, "--epochs", 1)
    assert done.returncode == 2
    assert "now others" in done.stderr


@pytest.mark.slow
def test_command_trains_from_another_checkpoint(
    edgeecho, phantoms: Path, finished: Path, tmp_path: Path
) -> None:
    init = ["--init", finished / "best.pt", "--lr", 0]
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *TINY, "--epochs", 1, *init)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    assert "123,552 parameters, on cpu" in done.stderr
    assert "epoch 1/1: train loss" in done.stderr
    first, second = (
        torch.load(run / "best.pt", weights_only=True) for run in (finished, tmp_path / "run")
    )
    assert second["provenance"]["recipe"]["init"].startswith("sha256:")
    # It says what it was trained on, the network that it began with too.
    told = training_history(first["provenance"])
    assert "phantom" in told[0]
    assert second["provenance"]["data"]["before"] == list(told)
    second["provenance"]["data"] |= {"description": "hearts", "n_train": 1234}
    assert trained_on(second["provenance"]) == (
        f"hearts, 1,234 of its videos; before that: {told[0]}"
    )
    # With a learning rate of 0 only the running statistics of the batch norms move.
    for name, value in first["state_dict"].items():
        if "running" not in name and "num_batches" not in name:
            assert torch.equal(second["state_dict"][name], value), name


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--optimizer", "adam"], 2, "sgd or adamw"),
        (["--loss", "l2"], 2, "mse or smooth-l1"),
        (["--schedule", "cosine"], 2, "step or onecycle"),
        (["--width", "0.01"], 2, "0.0625"),
        (["--device", "banana"], 2, "auto, cpu or cuda"),
        (["--bf16", "--device", "cpu"], 2, "--frames above 16"),
        (["--init", "nowhere.pt"], 4, "nowhere.pt"),
    ],
)
def test_bad_option_is_one_line_and_leaves_nothing(
    edgeecho, phantoms: Path, tmp_path: Path, options: list[str], code: int, says: str
) -> None:
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *TINY, *options)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def test_init_of_another_width_is_a_usage_error(
    edgeecho, phantoms: Path, finished: Path, tmp_path: Path
) -> None:
    options = [*TINY, "--init", finished / "best.pt", "--width", 0.125]
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *options)
    assert done.returncode == 2
    assert "width 0.0625, --width is 0.125" in done.stderr


@pytest.mark.parametrize("damage", [b"", b"EF,Split\n", b"cos\nsystem\n", b"\x80\x02G\x00"])
def test_damaged_last_checkpoint_is_a_model_error(
    edgeecho, phantoms: Path, finished: Path, tmp_path: Path, damage: bytes
) -> None:
    run = shutil.copytree(finished, tmp_path / "run")
    (run / "last.pt").write_bytes(damage)
    done = edgeecho("train", phantoms, "--out", run, "--resume", *TINY, "--epochs", 1)
    assert done.returncode == 4
    assert "last.pt" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_folder_without_a_data_set_is_an_input_error(edgeecho, tmp_path: Path) -> None:
    done = edgeecho("train", tmp_path, "--out", tmp_path / "run", *TINY)
    assert done.returncode == 3
    assert not (tmp_path / "run").exists()


def test_help_shows_the_tables_of_a_recipe(edgeecho) -> None:
    # Rich takes words in brackets for styles, and showed "with  and []s".
    said = " ".join(edgeecho("train", "--help").stdout.replace("│", " ").split())
    assert "[common] and [[stage]]s" in said


@pytest.mark.parametrize(("cores", "cpu", "gpu"), [(1, 1, 1), (2, 1, 1), (6, 1, 5), (64, 1, 8)])
def test_a_gpu_has_its_videos_decoded_by_more_processes(
    cores: int, cpu: int, gpu: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "usable_cores", lambda: cores)
    assert start._workers(torch.device("cpu")) == cpu
    assert start._workers(torch.device("cuda")) == gpu
