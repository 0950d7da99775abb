from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torchvision.models.video import r2plus1d_18

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.files import sha256_file
from edgeecho.dataset import read_dataset
from edgeecho.inference import estimate_file, load_model
from edgeecho_export.recipes import fp32
from edgeecho_train.network import R2Plus1D18

pytestmark = pytest.mark.slow

BUNDLE = {"manifest.json", "fp32.onnx", "fp32-shared.onnx", "model-card.md", "references.npz"}
STATISTICS = ["--mean", "32.64,32.9,33.15", "--std", "49.98,49.97,50.24"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.fixture
def copied_run(narrow_run: Path, tmp_path: Path) -> Path:
    """A copy of `narrow_run` to be spoiled."""
    return shutil.copytree(narrow_run, tmp_path / "run")


@pytest.fixture
def echonet(tmp_path: Path) -> Path:
    """A small checkpoint in the shape of EchoNet-Dynamic's release."""
    torch.manual_seed(2)
    weights = R2Plus1D18(0.0625).state_dict()
    value = {
        "state_dict": {f"module.{k}": v for k, v in weights.items()},
        "frames": 16,
        "period": 4,
        "best_loss": np.float64(30.5),
    }
    torch.save(value, tmp_path / "echonet.pt")
    return tmp_path / "echonet.pt"


def test_bundle_is_complete_and_opens(narrow_bundle: Path, narrow_run: Path) -> None:
    assert set(contents(narrow_bundle)) == BUNDLE
    assert [f.name for f in narrow_bundle.parent.iterdir()] == ["narrow"], "something is left over"
    model = open_model(narrow_bundle)
    stored = torch.load(narrow_run / "best.pt", weights_only=True)
    assert model.preprocess.to_dict() == stored["preprocess"]
    manifest = read_manifest(narrow_bundle)
    assert (manifest.name, manifest.version) == ("narrow", "1")
    assert manifest.architecture == {
        "name": "r2plus1d_18", "width": 0.0625, "parameters": 123_552, "padded_to": 8
    }  # fmt: skip
    assert manifest.provenance["checkpoint_sha256"] == sha256_file(narrow_run / "best.pt")
    assert manifest.provenance["training"] == stored["provenance"]
    assert manifest.artefacts["fp32"].sha256 == sha256_file(narrow_bundle / "fp32.onnx")
    checks = manifest.artefacts["fp32"].verification
    assert {check.engine for check in checks} == {"openvino", "onnxruntime"}
    assert all(check.clips == stored["reference_clips"]["n"] for check in checks)
    card = (narrow_bundle / "model-card.md").read_text()
    assert "Research use only" in card
    assert manifest.trained_on in card
    assert "`fp32-shared.onnx` answers overlapping clips of a video together" in card
    assert any("by index" in limit for limit in manifest.limits)


def test_a_model_that_resamples_says_so(narrow_run: Path, edgeecho, tmp_path: Path) -> None:
    stored = torch.load(narrow_run / "best.pt", weights_only=True)
    stored["preprocess"]["time"] = "resample(50)"
    torch.save(stored, tmp_path / "best.pt")
    shutil.copy(narrow_run / "reference_clips.npz", tmp_path)
    done = edgeecho("export", tmp_path / "best.pt", "--out", tmp_path / "bundle", "--no-shared")
    assert done.returncode == 0, done.stderr
    assert "\nwarning: this model's skill is not known" in done.stderr
    limits = read_manifest(tmp_path / "bundle").limits
    assert any("by their time stamps" in limit for limit in limits)
    assert not any("by index" in limit for limit in limits)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_bundle_answers_a_video_as_the_checkpoint_does(
    engine: str, narrow_bundle: Path, narrow_run: Path, phantoms: Path
) -> None:
    import cv2

    video = read_dataset(phantoms, split="TEST")[0]
    found = estimate_file(video.path, load_model(narrow_bundle, engine=engine), clips="all")
    stored = torch.load(narrow_run / "best.pt", weights_only=True)
    network = R2Plus1D18(0.0625).eval()
    network.load_state_dict(stored["state_dict"])
    capture = cv2.VideoCapture(str(video.path), cv2.CAP_FFMPEG)
    spec = stored["preprocess"]
    size = (spec["size"], spec["size"])
    pictures = [
        cv2.resize(capture.read()[1], size, interpolation=cv2.INTER_CUBIC) for _ in range(70)
    ]
    frames = np.stack(pictures)[..., ::-1].astype(np.float64)
    normal = ((frames - spec["mean"]) / spec["std"]).transpose(3, 0, 1, 2)
    clips = np.stack([normal[:, s : s + 63 : 2] for s in range(70 - 62)])
    with torch.inference_mode():
        expected = network(torch.from_numpy(clips.astype(np.float32))).numpy()
    assert found.clip_efs == pytest.approx(expected, abs=0.01)
    assert found.ef == pytest.approx(float(expected.mean()), abs=0.01)


def test_existing_bundle_is_kept_unless_overwrite_is_given(
    edgeecho, narrow_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("mine")
    words = ["export", narrow_run / "best.pt", "--out", out, "--name", "a b", "--model-version", 7]
    refused = edgeecho(*words)
    assert refused.returncode == 2
    assert "--overwrite" in refused.stderr
    assert contents(out) == {"manifest.json": b"mine"}
    done = edgeecho(*words, "--overwrite")
    assert done.returncode == 0, done.stderr
    assert f"wrote {out}: a b 7" in done.stdout
    assert "fp32.onnx on openvino" in done.stdout
    assert "esearch" in done.stdout
    assert set(contents(out)) == BUNDLE
    assert (open_model(out).name, open_model(out).version) == ("a b", "7")
    assert [f.name for f in tmp_path.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("beads", "engine 'beads' is not known"), ("tensorrt-graph", "tensorrt-graph is not inst")],
)
def test_an_engine_that_must_check_and_cannot_is_an_error_before_any_work(
    edgeecho, tmp_path: Path, name: str, why: str
) -> None:
    # Not even a file is looked for.
    done = edgeecho("export", tmp_path / "none.pt", "--out", tmp_path / "out", "--engine", name)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert why in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_checkpoint_must_be_named_outside_a_clone(
    edgeecho, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = edgeecho("export")
    assert done.returncode == 2
    assert "models/demo/checkpoint.safetensors" in done.stderr
    assert not list(tmp_path.iterdir())


def test_echonets_checkpoint_is_exported_with_what_it_lacks(
    edgeecho, echonet: Path, phantoms: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    done = edgeecho("export", echonet, "--out", out, *STATISTICS, "--clips", phantoms)
    assert done.returncode == 0, done.stderr
    spec = open_model(out).preprocess
    assert (spec.mean, spec.std) == ((32.64, 32.9, 33.15), (49.98, 49.97, 50.24))
    assert (spec.frames, spec.period, spec.size) == (16, 4, 112)
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["provenance"]["training"] is None
    (first, _) = manifest["artefacts"]["fp32"]["verification"]
    assert first["clips"] == len(read_dataset(phantoms, split="VAL"))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (STATISTICS, "--clips DATA"),
        (["--clips", "DATA"], "--mean and --std"),
        ([*STATISTICS, "--clips", "DATA", "--frames", "32"], "the checkpoint says 16"),
        (["--mean", "1,2", *STATISTICS[2:], "--clips", "DATA"], "three numbers"),
        (["--mean", "a,b,c", *STATISTICS[2:], "--clips", "DATA"], "three numbers"),
    ],
)
def test_echonets_checkpoint_with_too_little_is_a_usage_error(
    edgeecho, options: list[str], says: str, echonet: Path, phantoms: Path, tmp_path: Path
) -> None:
    options = [str(phantoms) if word == "DATA" else word for word in options]
    done = edgeecho("export", echonet, "--out", tmp_path / "bundle", *options)
    assert done.returncode == 2
    assert says in done.stderr
    assert not (tmp_path / "bundle").exists()


def test_videos_shorter_than_a_clip_cannot_compare(
    edgeecho, phantoms: Path, tmp_path: Path
) -> None:
    torch.save(R2Plus1D18(0.0625).state_dict(), tmp_path / "bare.pt")
    options = [*STATISTICS, "--clips", phantoms, "--frames", 64]
    done = edgeecho("export", tmp_path / "bare.pt", "--out", tmp_path / "bundle", *options)
    assert done.returncode == 2
    assert "shorter than a clip" in done.stderr


def test_export_that_differs_from_pytorch_leaves_no_bundle(
    edgeecho, narrow_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_onnx = fp32.write_onnx

    def write_wrong(path: Path, *args: object, **facts: object) -> None:
        write_onnx(path, *args, **facts)
        model = onnx.load(path)
        (head,) = (node for node in model.graph.node if node.op_type == "Gemm")
        (bias,) = (i for i in model.graph.initializer if i.name == head.input[2])
        value = onnx.numpy_helper.to_array(bias) + np.float32(0.02)
        bias.CopyFrom(onnx.numpy_helper.from_array(value, bias.name))
        onnx.save(model, path)

    monkeypatch.setattr(fp32, "write_onnx", write_wrong)
    done = edgeecho("export", narrow_run / "best.pt", "--out", tmp_path / "bundle")
    assert done.returncode == 6
    assert "0.02" in done.stderr
    assert "no bundle was written" in done.stderr
    assert not list(tmp_path.iterdir())


def test_checkpoint_that_answers_nan_leaves_the_old_bundle(
    edgeecho, copied_run: Path, tmp_path: Path
) -> None:
    value = torch.load(copied_run / "best.pt", weights_only=True)
    value["state_dict"]["fc.bias"][:] = float("nan")
    torch.save(value, copied_run / "best.pt")
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("mine")
    done = edgeecho("export", copied_run / "best.pt", "--out", out, "--overwrite")
    assert done.returncode == 6
    assert contents(out) == {"manifest.json": b"mine"}
    assert {f.name for f in tmp_path.iterdir()} == {"run", "bundle"}


@pytest.mark.parametrize("spoil", ["remove", "change"])
def test_reference_clips_must_be_the_checkpoints_own(
    edgeecho, spoil: str, copied_run: Path, tmp_path: Path
) -> None:
    file = copied_run / "reference_clips.npz"
    file.unlink() if spoil == "remove" else file.write_bytes(file.read_bytes() + b"\0")
    done = edgeecho("export", copied_run / "best.pt", "--out", tmp_path / "bundle")
    assert done.returncode == 3
    assert "reference_clips.npz" in done.stderr
    assert not (tmp_path / "bundle").exists()


def test_damaged_checkpoint_is_one_line_for_a_process(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_text("no checkpoint")
    code = "from edgeecho.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "export", "best.pt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert [f.name for f in tmp_path.iterdir()] == ["best.pt"]


def test_full_width_of_torchvision_passes_the_gate(
    edgeecho, phantoms: Path, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    torch.save(r2plus1d_18(num_classes=1).state_dict(), tmp_path / "full.pt")
    data = shutil.copytree(phantoms, tmp_path / "data")
    header, *lines = (data / "FileList.csv").read_text().splitlines()
    two = [line.rsplit(",", 1)[0] + ",VAL" for line in lines[:2]]
    (data / "FileList.csv").write_text("\n".join([header, *two]) + "\n")
    out = tmp_path / "bundle"
    # An eighth of the usual frames: all of the weights in an eighth of the time.
    options = [*STATISTICS, "--clips", data, "--frames", 4]
    done = edgeecho("export", tmp_path / "full.pt", "--out", out, *options)
    assert done.returncode == 0, done.stderr
    manifest = read_manifest(out)
    assert manifest.architecture["parameters"] == 31_300_638
    assert manifest.preprocess.frames == 4
    assert {check.clips for check in manifest.artefacts["fp32"].verification} == {2}
    # Clips of four frames are too short to share anything.
    assert set(contents(out)) == BUNDLE - {"fp32-shared.onnx"}, "weights beside the file"
    assert (out / "fp32.onnx").stat().st_size > 4 * 31_000_000
