"""`edgeecho import`: files in the form of EchoNet-Dynamic's release, with random weights."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from released import as_of_gpu, echonet, echonet_masks, lively_masks, segmentation, weights
from segmented import MASKS

from edgeecho.bundle import EXAMPLE, open_model, read_manifest
from edgeecho.common.files import sha256_file, write_json
from edgeecho.preprocess import PreprocessSpec, normalise
from edgeecho_calibration.select import select
from edgeecho_export import phantom_clips as phantom_module
from edgeecho_export.echonet import (
    FPS,
    QUOTED,
    STRAIN,
    Normalisation,
    given,
    options,
    read_release,
    shifts,
)
from edgeecho_export.phantom_clips import phantom_clips
from edgeecho_export.segmentation.checkpoint import RELEASED_SHA256, LoadedSegmentation
from edgeecho_train.network import R2Plus1D18

pytestmark = pytest.mark.slow

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "best.pt"
OURS = ((32.64, 32.9, 33.15), (49.98, 49.97, 50.24))
WARNING = (
    "mean and std are echonet/strain's constants (the same group's), not measured on this "
    "checkpoint's training data: `edgeecho stats DATA` measures them, and a new import takes them "
    "as --mean and --std"
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose answers depend on the clip, as they were saved on a GPU."""
    lively = weights()
    lively["fc.weight"] *= 20
    path = tmp_path_factory.mktemp("release") / "r2plus1d_18_32_2_pretrained.pt"
    return as_of_gpu(echonet(path, state_dict={f"module.{k}": v for k, v in lively.items()}))


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    return phantom_clips(PreprocessSpec(*OURS), 2).clips.clips


def efs(path: Path, clips: np.ndarray, of: Normalisation) -> np.ndarray:
    """By plain PyTorch."""
    network = R2Plus1D18(0.0625).eval()
    stored = torch.load(path, weights_only=False, map_location="cpu")["state_dict"]
    network.load_state_dict({k.removeprefix("module."): v for k, v in stored.items()})
    wide = (clips.astype(np.float64) - of.mean) / of.std
    with torch.inference_mode():
        found = network(torch.from_numpy(wide.transpose(0, 4, 1, 2, 3).astype(np.float32)))
    return np.asarray(found)


def bare(folder: Path) -> Path:
    torch.save(weights(), folder / "bare.pt")
    return folder / "bare.pt"


def no_checkpoint(folder: Path) -> Path:
    (folder / "notes.pt").write_text("hello")
    return folder / "notes.pt"


def test_the_release_becomes_a_bundle_that_warns_answers_and_verifies(
    edgeecho: Any, release: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    words = ("--ef", release, "--out", bundle)
    done = edgeecho("import", "echonet-dynamic", *words)
    assert done.returncode == 0, done.stderr
    assert f"\nwarning: {WARNING}\n" in done.stderr
    assert "mean and std: echonet/strain's constants" in done.stdout
    (mean, most) = map(
        float, re.findall(r"moves by ([0-9.]+) points, at most ([0-9.]+)", done.stdout)[0]
    )
    assert 0 < mean <= most
    assert "frame rate of training: 51 frames/s, about the mean of the public list" in done.stdout
    assert "recogni" not in done.stdout + done.stderr

    manifest = read_manifest(bundle)
    assert (manifest.name, list(manifest.artefacts)) == ("echonet-dynamic", ["fp32"])
    assert manifest.provenance["checkpoint_sha256"] == sha256_file(release)
    spec = PreprocessSpec(STRAIN.mean, STRAIN.std, frames=32, period=2, training_fps=FPS)
    assert manifest.preprocess == spec
    assert manifest.references["source"] == "8 synthetic phantoms, never patients (seed 21)"
    assert manifest.skill is None, "phantoms show no skill for patients"
    card = (bundle / "model-card.md").read_text()
    assert f"**Warning:** {WARNING}." in card
    assert "- frame rate of training, which the checkpoint does not say: 51 frames/s" in card
    measure = "`edgeecho calibrate trust DATA --model BUNDLE` measures it"
    assert "Never measured on this network: no interval is given" in card
    assert measure in card

    assert edgeecho("verify", bundle).returncode == 0
    shown = edgeecho("infer", EXAMPLE, "--model", bundle, "--clips", "center", "--json")
    (entry,) = json.loads(shown.stdout)["results"]
    assert WARNING in entry["warnings"]
    text = edgeecho("infer", EXAMPLE, "--model", bundle, "--clips", "center").stdout
    assert "mean and std are echonet/strain's" in " ".join(text.split())
    assert open_model(bundle / "fp32.onnx").warnings[-1] == WARNING


def test_a_folder_that_is_there_is_refused_before_any_work(
    edgeecho: Any, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phantom_module, "phantom_clips", None)
    (tmp_path / "manifest.json").write_text("mine")
    told = edgeecho("import", "echonet-dynamic", "--ef", release, "--out", tmp_path)
    assert (told.returncode, "--overwrite" in told.stderr) == (2, True)
    assert (tmp_path / "manifest.json").read_text() == "mine"


def test_both_released_networks_become_one_bundle(
    edgeecho: Any, release: Path, clips: np.ndarray, tmp_path: Path
) -> None:
    some = torch.from_numpy(normalise(clips[0][::8], PreprocessSpec(STRAIN.mean, STRAIN.std)))
    masks = tmp_path / "deeplabv3_resnet50_random.pt"
    as_of_gpu(echonet_masks(masks, lively_masks(some.swapaxes(0, 1))))
    bundle = tmp_path / "bundle"
    words = ("--ef", release, "--segmentation", masks, "--out", bundle)
    done = edgeecho("import", "echonet-dynamic", *words)
    assert done.returncode == 0, done.stderr
    moved = r"areas of masks move by ([0-9.]+) %, at most ([0-9.]+) % \(Dice ([0-9.]+)"
    area, most, dice = map(float, re.findall(moved, done.stdout)[0])
    assert 0 < area <= most
    assert 0.5 < dice < 1
    assert f"segmentation: not recognised: its sha256 {sha256_file(masks)[:12]}" in done.stdout
    assert "segmentation.fp32.onnx on openvino" in done.stdout
    found = read_manifest(bundle).segmentation
    assert found is not None
    assert found.architecture["name"] == "deeplabv3_resnet50"
    assert found.architecture["parameters"] == 39_633_729
    assert found.provenance["checkpoint_sha256"] == sha256_file(masks)
    assert found.provenance["recognised"].startswith("not recognised")
    assert open_model(bundle).segmentation is not None


def test_the_released_segmentation_is_recognised_by_its_published_hash() -> None:
    known = LoadedSegmentation(
        torch.nn.Identity(), "deeplabv3_resnet50", 1.0, RELEASED_SHA256, None
    )
    assert known.recognised.startswith("EchoNet-Dynamic's released deeplabv3_resnet50_random.pt")
    assert "one user published" in known.recognised
    assert replace(known, sha256="0" * 64).recognised.startswith("not recognised")


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda f: MASKS, 2, "use `edgeecho export --segmentation`"),
        (lambda f: echonet(f / "ef.pt"), 4, "holds no segmentation network"),
        (lambda f: segmentation(f / "s.pt"), 4, "does not fit a deeplabv3_resnet50"),
        (bare, 4, "not in the form of EchoNet-Dynamic's release (no state_dict)"),
        (lambda f: f / "absent.pt", 4, "no such checkpoint"),
    ],
)  # fmt: skip
def test_a_segmentation_that_cannot_be_imported_is_one_line(
    make: Any, code: int, said: str, edgeecho: Any, release: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    words = ("--ef", release, "--segmentation", make(tmp_path), "--out", out)
    done = edgeecho("import", "echonet-dynamic", *words)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not out.exists()


def test_what_the_user_measured_is_taken_and_warned_of_by_nobody(release: Path) -> None:
    told = options(given(*OURS), 50.0)
    source = read_release(release, told)
    assert source.preprocess == PreprocessSpec(*OURS, training_fps=50.0)
    assert source.assumed == {}
    assert options(given(*OURS), None).assumed.keys() == {"frame rate of training"}
    assert options(given(None, None), 50.0).assumed == {"mean and std": STRAIN.source}


def test_the_ef_moves_as_far_as_plain_pytorch_says(release: Path, clips: np.ndarray) -> None:
    taken = given(*OURS)
    found = shifts(read_release(release, options(taken, None)), clips, taken)
    assert [shift.to for shift in found] == [STRAIN, QUOTED]
    before = efs(release, clips, taken)
    for shift in found:
        moved = np.abs(efs(release, clips, shift.to) - before)
        assert (shift.mean, shift.most) == pytest.approx((moved.mean(), moved.max()), abs=1e-4)
        assert shift.most > 2e-3
    known = read_release(release, options(STRAIN, None))
    assert [shift.to for shift in shifts(known, clips, STRAIN)] == [QUOTED]


def test_phantoms_are_the_same_each_time_and_fill_a_clip(clips: np.ndarray) -> None:
    assert (clips.shape, clips.dtype) == ((2, 32, 112, 112, 3), np.uint8)
    again = phantom_clips(PreprocessSpec(*OURS), 1).clips
    assert (again.clips == clips[:1]).all()
    assert len({picture.tobytes() for picture in clips[0]}) > 16, "it moves"


@pytest.mark.parametrize(
    ("make", "words", "code", "said"),
    [
        (lambda f: NARROW, [], 2, "is a checkpoint of edgeecho, which says how it was normalised"),
        (lambda f: segmentation(f / "s.pt"), [], 4, "holds a segmentation network"),
        (bare, [], 4, "not in the form of EchoNet-Dynamic's release (no frames, period, state_dic"),
        (no_checkpoint, [], 4, "it is damaged or was not written by PyTorch"),
        (lambda f: f / "absent.pt", [], 4, "no such checkpoint"),
        (bare, ["--mean", "0.1,0.1,0.1", "--std", "0.2,0.2,0.2"], 2, "multiply them by 255"),
        (bare, ["--mean", "32,32,32"], 2, "--mean and --std belong together"),
        (bare, ["--int8"], 2, "--int8 needs --calibration SET"),
    ],
)  # fmt: skip
def test_what_cannot_be_imported_is_one_line(
    make: Any, words: list[str], code: int, said: str, edgeecho: Any, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    done = edgeecho("import", "echonet-dynamic", "--ef", make(tmp_path), "--out", out, *words)
    assert (done.returncode, done.stdout) == (code, "")
    (line,) = done.stderr.splitlines()
    assert said in line
    assert not out.exists()


def test_int8_is_judged_by_the_data_of_its_set_and_never_by_phantoms(
    edgeecho: Any, release: Path, phantoms: Path, tmp_path: Path
) -> None:
    data, chosen = tmp_path / "data", tmp_path / "set.json"
    data.mkdir()
    (data / "Videos").symlink_to(phantoms / "Videos")
    header, *rows = (phantoms / "FileList.csv").read_text().splitlines(keepends=True)
    training = [row for row in rows if row.endswith(",TRAIN\n")]
    (data / "FileList.csv").write_text("".join([header, *training]))
    spec = read_release(release, options(STRAIN, None)).preprocess
    write_json(chosen, select(data, spec, n=2, seed=0).to_dict())
    words = ("--ef", release, "--out", tmp_path / "bundle", "--int8", "--calibration", chosen)
    done = edgeecho("import", "echonet-dynamic", *words)
    assert done.returncode == 2
    assert "has training videos only, and INT8 cannot be judged by what it was" in done.stderr
    assert not (tmp_path / "bundle").exists()
