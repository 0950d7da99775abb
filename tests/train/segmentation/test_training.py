"""Training a segmentation: what is made smaller, the best epoch, resuming, another beginning."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from segmentation_run import TINY, edit, go, load, rows

from edgeecho.common.errors import ModelError, UsageError
from edgeecho.dataset import read_dataset
from edgeecho.dataset.tracings import read_tracings
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train import loop
from edgeecho_train.data import ClipKey
from edgeecho_train.recipe import SegmentationRecipe, TrainingRecipe
from edgeecho_train.segmentation.frames import TracedFrames
from edgeecho_train.segmentation.network import build_segmentation
from edgeecho_train.segmentation.task import Segmentation, dice

pytestmark = pytest.mark.slow


def test_loss_is_summed_over_pixels_and_the_mean_of_both_frames() -> None:
    logits, truth = torch.randn(3, 2, 4, 4), (torch.rand(3, 2, 4, 4) > 0.5).float()
    likelihood = torch.where(truth > 0, logits.sigmoid(), 1 - logits.sigmoid()).log()
    ed, es = (-likelihood[:, phase].sum() for phase in (0, 1))
    objective, shown = Segmentation.loss(None, logits, truth)  # type: ignore[arg-type]
    torch.testing.assert_close(objective, (ed + es) / 2)
    torch.testing.assert_close(shown, -likelihood.mean())


def test_dice_is_over_all_pixels() -> None:
    true = torch.tensor([[1, 1, 1, 1], [1, 0, 0, 0]]).bool()
    found = torch.tensor([[1, 1, 0, 0], [1, 1, 0, 0]]).bool()
    assert dice(found, true) == pytest.approx(2 * 3 / (4 + 5))
    assert dice(true, true) == 1
    assert dice(~true, true) == 0


def test_published_recipe_is_that_of_deeplabv3() -> None:
    recipe = SegmentationRecipe.of("deeplabv3_resnet50", {"epochs": 3})
    assert (recipe.optimizer, recipe.lr, recipe.weight_decay) == ("sgd", 1e-5, 0)
    assert (recipe.schedule, recipe.batch_size, recipe.crop) == ("constant", 20, False)
    assert (recipe.epochs, SegmentationRecipe.of(recipe.network, {}).epochs) == (3, 50)


def test_best_is_the_epoch_of_the_highest_dice_and_the_log_has_it(
    whole: Path, phantoms: Path
) -> None:
    assert list(rows(whole)[0]) == [
        "epoch", "train_loss", "val_loss", "val_dice", "val_dice_ed", "val_dice_es", "lr",
        "seconds",
    ]  # fmt: skip
    highest = max(rows(whole), key=lambda row: row["val_dice"])
    best = load(whole / "best.pt")
    (result,) = best["provenance"]["result"]
    assert result["epoch"] == highest["epoch"]
    network = build_segmentation(TINY.network).eval()
    network.load_state_dict(best["state_dict"])
    spec = PreprocessSpec.from_dict(best["preprocess"])
    videos = read_dataset(phantoms, split="VAL")
    data = TracedFrames(videos, read_tracings(phantoms), spec, pad=0, seed=0)
    inter = both = 0
    with torch.inference_mode():
        for index in range(len(data)):
            frames, true = data[ClipKey(-1, index)]
            found = network(frames.permute(1, 0, 2, 3))["out"][:, 0] > 0
            inter += int((found & (true > 0)).sum())
            both += int(found.sum()) + int(true.sum())
    assert 2 * inter / both == pytest.approx(result["val_dice"], abs=2e-3)


class Stop(BaseException):
    """As abrupt as Ctrl-C."""


def test_run_stopped_within_an_epoch_ends_with_the_same_weights(
    whole: Path, phantoms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step, calls = loop.Training.step, 0

    def counted(self: loop.Training, *batch: torch.Tensor) -> float:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Stop
        return step(self, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "_SNAPSHOT_SECONDS", -1.0)
        patch.setattr(loop.Training, "step", counted)
        with pytest.raises(Stop):
            go(phantoms, tmp_path / "run", TINY)
    position = load(tmp_path / "run" / "last.pt")["run"]["position"]
    assert (position["epoch"], position["batch"]) == (1, 1)
    go(phantoms, tmp_path / "run", TINY, resume=True)
    for name in ("best.pt", "last.pt"):
        weights, others = (load(run / name)["state_dict"] for run in (tmp_path / "run", whole))
        torch.testing.assert_close(weights, others, rtol=1e-4, atol=1e-5)


def test_dropout_depends_on_the_place_in_the_run_alone(phantoms: Path) -> None:
    # deeplabv3 has dropout: without this a resumed run would end with other weights.
    recipe = SegmentationRecipe.of("deeplabv3_resnet50", {"lr": 0.0})
    task = Segmentation(recipe, phantoms)
    training = loop.Training(
        task.build(None), recipe, task, batches_per_epoch=1, device=torch.device("cpu")
    )
    batch = (torch.rand(2, 3, 2, 16, 16), torch.ones(2, 2, 16, 16))
    losses = []
    for place, state in ((4, 1), (4, 2), (5, 3)):
        training.position.batch = place
        torch.manual_seed(state)
        training.train_mode()
        losses.append(training.step(*batch))
    assert losses[0] == losses[1] != losses[2]


def test_resume_notices_other_tracings_and_another_task(
    whole: Path, changed: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(whole, tmp_path / "run")
    with pytest.raises(ModelError, match=r"last\.pt holds a network that was trained for 'segm"):
        go(changed, run, TrainingRecipe(), resume=True)
    edit(changed, lambda table: table[:-1])
    with pytest.raises(UsageError, match=r"other data \(tracings_sha256"):
        go(changed, run, TINY, resume=True)


def test_a_run_begins_with_another_one_of_the_same_network(
    whole: Path, phantoms: Path, tmp_path: Path
) -> None:
    again = replace(TINY, epochs=1, lr=0.0)
    go(phantoms, tmp_path / "again", again, init=str(whole / "best.pt"))
    first, second = (load(run / "best.pt") for run in (whole, tmp_path / "again"))
    assert second["provenance"]["recipe"]["init"].startswith("sha256:")
    assert torch.equal(
        first["state_dict"]["classifier.high_classifier.weight"],
        second["state_dict"]["classifier.high_classifier.weight"],
    )
    other = replace(again, network="deeplabv3_resnet50")
    with pytest.raises(UsageError, match="give --network and --width as there"):
        go(phantoms, tmp_path / "other", other, init=str(whole / "best.pt"))
