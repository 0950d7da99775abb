"""`edgeecho train --task segmentation`: the traced frames, the run, the refusals."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.models import segmentation as theirs

from edgeecho.cine import read_cine
from edgeecho.common.errors import InputError, ModelError, UsageError
from edgeecho.dataset import read_dataset
from edgeecho.dataset.tracings import read_tracings
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train import loop
from edgeecho_train.data import ClipKey
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.truth import masks
from edgeecho_train.recipe import SegmentationRecipe, TrainingRecipe
from edgeecho_train.segmentation.frames import TracedFrames
from edgeecho_train.segmentation.network import build_segmentation
from edgeecho_train.segmentation.task import Segmentation, dice
from edgeecho_train.start import train

pytestmark = pytest.mark.slow

SPEC = PreprocessSpec((30.0,) * 3, (50.0,) * 3, frames=1, period=1)
TINY = SegmentationRecipe(size=32, epochs=2, batch_size=4, lr=1e-3)
OPTIONS = ("--task", "segmentation", "--size", 32, "--epochs", 2, "--batch-size", 4, "--lr", 1e-3)


def go(data: Path, out: Path, recipe: Any, *, resume: bool = False, init: str = "random") -> None:
    train(data, out, recipe, resume=resume, device="cpu", workers=0, init=init)


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def examples(data: Path, *, spec: PreprocessSpec = SPEC, pad: int = 0) -> TracedFrames:
    videos = read_dataset(data, split="TRAIN")
    return TracedFrames(videos, read_tracings(data), spec, pad=pad, seed=3)


@pytest.fixture
def changed(phantoms: Path, tmp_path: Path) -> Path:
    """A copy of the data set whose tables may be changed."""
    return Path(shutil.copytree(phantoms, tmp_path / "changed"))


def edit(data: Path, change: Any) -> None:
    file = data / "VolumeTracings.csv"
    with file.open(newline="") as stream:
        table = list(csv.DictReader(stream))
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(change(table))


@pytest.fixture(scope="module")
def whole(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two epochs that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "run"
    go(phantoms, out, TINY)
    return out


def test_the_two_frames_are_those_of_the_tracings_with_diastole_first(phantoms: Path) -> None:
    found = examples(phantoms)
    tracings = read_tracings(phantoms)
    for index, video in enumerate(read_dataset(phantoms, split="TRAIN")):
        ed, es = sorted(tracings[video.name], key=lambda t: -t.area)
        frames, filled = found[ClipKey(-1, index)]
        assert (frames.shape, filled.shape) == ((3, 2, 112, 112), (2, 112, 112))
        shown = read_cine(video.path).frames[[ed.frame, es.frame]]
        expected = (shown.astype(np.float32) - 30) / 50
        np.testing.assert_allclose(frames.permute(1, 2, 3, 0), expected, atol=1e-6)
        assert filled[0].sum() > filled[1].sum()
        assert torch.equal(filled[0] > 0, torch.from_numpy(ed.mask(112, 112)))
        assert torch.equal(filled[1] > 0, torch.from_numpy(es.mask(112, 112)))


def test_which_is_diastole_does_not_follow_from_the_order(phantoms: Path, changed: Path) -> None:
    def reverse(table: list[dict[str, str]]) -> list[dict[str, str]]:
        order = list(dict.fromkeys((row["FileName"], row["Frame"]) for row in table))[::-1]
        return sorted(table, key=lambda row: order.index((row["FileName"], row["Frame"])))

    edit(changed, reverse)
    for same, other in zip(examples(phantoms).masks, examples(changed).masks, strict=True):
        assert np.array_equal(same, other)


def test_a_traced_mask_is_the_true_one_without_half_a_disc_at_its_ends(phantoms: Path) -> None:
    index = int(read_dataset(phantoms, split="TRAIN")[0].name.rpartition("-")[2])
    phantom, _ = draw_phantom(PhantomRecipe(seed=158, frames=70), index)
    true, (ed, es) = masks(phantom), sorted(read_tracings(phantoms)[phantom.name],
                                            key=lambda t: -t.area)  # fmt: skip
    for tracing in (ed, es):
        traced = tracing.mask(112, 112)
        missing = true[tracing.frame] & ~traced
        assert 0.01 < missing.sum() / true[tracing.frame].sum() < 0.08


def test_the_crop_moves_frame_and_mask_alike_and_depends_on_the_key_alone(phantoms: Path) -> None:
    plain, moved = examples(phantoms), examples(phantoms, pad=12)
    still_frames, still_mask = plain[ClipKey(0, 1)]
    frames, mask = moved[ClipKey(0, 1)]
    assert not torch.equal(frames, still_frames)
    down, right = (
        round(float(a - b)) for a, b in zip(middle(mask), middle(still_mask), strict=True)
    )
    assert abs(down) <= 12
    assert abs(right) <= 12
    inner = slice(24, 88)
    shifted = frames.roll((-down, -right), (2, 3))
    assert torch.equal(shifted[..., inner, inner], still_frames[..., inner, inner])
    assert torch.equal(moved[ClipKey(0, 1)][0], frames)
    assert torch.equal(moved[ClipKey(-1, 1)][0], still_frames)


def middle(mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
    _, y, x = torch.nonzero(mask, as_tuple=True)
    return y.double().mean(), x.double().mean()


def test_masks_go_where_the_picture_goes_when_it_is_resized(phantoms: Path) -> None:
    half = examples(phantoms, spec=replace(SPEC, size=56)).masks
    for small, large in zip(half, examples(phantoms).masks, strict=True):
        # [1, y, x]: pixels of half the size have their centres between those of four.
        centre, large_centre = np.argwhere(small).mean(axis=0), np.argwhere(large).mean(axis=0)
        np.testing.assert_allclose(centre[1:], (large_centre[1:] - 0.5) / 2, atol=0.2)
        assert small.sum() == pytest.approx(large.sum() / 4, rel=0.05)


def test_videos_whose_tracings_are_of_no_use_are_left_out_counted_and_named(
    changed: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, two, three, four, *others = (v.name for v in read_dataset(changed, split="TRAIN"))

    def spoil(table: list[dict[str, str]]) -> list[dict[str, str]]:
        kept, seen = [], dict[str, int]()
        for row in table:
            name = row["FileName"].removesuffix(".avi")
            seen[name] = place = seen.get(name, -1) + 1
            if name == one and place >= 21:  # the second frame is gone
                continue
            if name == two and place == 10:  # the ends of one chord are swapped
                row |= {"X1": row["X2"], "Y1": row["Y2"], "X2": row["X1"], "Y2": row["Y1"]}
            if name == three and place == 12:
                row["X2"] = "130"
            if name == four:
                row["Frame"] = str(int(row["Frame"]) + 70)
            kept.append(row)
        return kept

    edit(changed, spoil)
    found = examples(changed)
    assert found.left_out == {
        "fewer than two traced frames": 1,
        "an outline that crosses itself": 1,
        "an outline that leaves the picture": 1,
        "a frame that the video lacks": 1,
    }
    assert len(found) == len(others)
    told = capfd.readouterr().err
    assert f"left out: 1 of {len(others) + 4} TRAIN videos with an outline that crosses" in told
    assert f"the first is {two}" in told
    go(changed, changed / "run", replace(TINY, epochs=1))
    data = load(changed / "run" / "best.pt")["provenance"]["data"]
    assert data["n_train"] == len(others)
    assert data["left_out"] == {"TRAIN": found.left_out}


def test_a_data_set_without_usable_tracings_is_an_input_error(
    edgeecho: Any, changed: Path, tmp_path: Path
) -> None:
    edit(changed, lambda table: [row for row in table if row["Frame"] == table[0]["Frame"]])
    with pytest.raises(InputError, match="TRAIN videos has two usable outlines"):
        examples(changed)
    (changed / "VolumeTracings.csv").unlink()
    done = edgeecho("train", changed, "--out", tmp_path / "run", *OPTIONS)
    assert done.returncode == 3
    assert "has no VolumeTracings.csv" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["lraspp_mobilenet_v3_large", "deeplabv3_resnet50"])
def test_networks_are_torchvisions(name: str) -> None:
    network, options = build_segmentation(name), {"weights": None, "weights_backbone": None}
    if name == "deeplabv3_resnet50":
        # As EchoNet-Dynamic's release was made.
        other = theirs.deeplabv3_resnet50(**options, aux_loss=False)
        other.classifier[-1] = torch.nn.Conv2d(256, 1, 1)
    else:
        other = theirs.lraspp_mobilenet_v3_large(**options, num_classes=1)
    shapes = {key: value.shape for key, value in other.state_dict().items()}
    assert {key: value.shape for key, value in network.state_dict().items()} == shapes
    with torch.inference_mode():
        assert network.eval()(torch.zeros(1, 3, 64, 64))["out"].shape == (1, 1, 64, 64)


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


def test_checkpoint_says_what_it_is(whole: Path, edgeecho: Any) -> None:
    best = load(whole / "best.pt")
    assert (best["task"], best["architecture"]) == ("segmentation", TINY.network)
    assert "width" not in best
    assert best["provenance"]["recipe"] == TINY.to_dict()
    assert best["provenance"]["skill"] is best["reference_clips"] is None
    shown = edgeecho("inspect", whole / "best.pt").stdout
    assert "model           lraspp_mobilenet_v3_large, segmentation" in shown
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
    with pytest.raises(UsageError, match="give --network as there"):
        go(phantoms, tmp_path / "other", other, init=str(whole / "best.pt"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--task", "masks"], "choose ef or segmentation"),
        (["--network", "deeplabv3_resnet50"], "add --task segmentation"),
        ([*OPTIONS, "--network", "unet"], "lraspp_mobilenet_v3_large or deeplabv3_resnet50"),
        ([*OPTIONS, "--width", "0.25"], "--width is an option of --task ef"),
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
    words = ("--task", "segmentation", "--size", 32, "--epochs", 1, "--resample", 50)
    done = edgeecho("train", phantoms, "--out", tmp_path / "run", *words)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert (
        "lraspp_mobilenet_v3_large, 3,218,138 parameters, on cpu; 10 training and 3" in done.stderr
    )
    assert ", Dice 0." in done.stderr
    saved = load(tmp_path / "run" / "best.pt")
    own = SegmentationRecipe(size=32, epochs=1, time="resample(50)")
    assert saved["provenance"]["recipe"] == own.to_dict()
    assert saved["preprocess"]["time"] == "resample(50)"
