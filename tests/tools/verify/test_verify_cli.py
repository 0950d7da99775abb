"""`edgeecho verify`, and running the artefacts that it verifies."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from traced import traced_once

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.files import sha256_file
from edgeecho.common.seal import sealed
from edgeecho.engines import load_engine

pytestmark = pytest.mark.slow


@pytest.fixture
def bundle(lower_bundle: Path, tmp_path: Path) -> Path:
    """A copy that a test may break."""
    return Path(shutil.copytree(lower_bundle, tmp_path / "bundle"))


def edit(bundle: Path, change: Any) -> None:
    """Change the manifest as a careful forger would: with a new seal."""
    file = bundle / "manifest.json"
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(sealed(value)))


def test_the_bundle_holds_what_was_measured(lower_bundle: Path) -> None:
    graphs = {f"{p}{end}.onnx" for p in ("fp32", "fp16", "int8") for end in ("", "-shared")}
    others = {"references.npz", "manifest.json", "model-card.md"}
    assert {f.name for f in lower_bundle.iterdir()} == graphs | others
    manifest = read_manifest(lower_bundle)
    assert list(manifest.artefacts) == ["fp32", "fp16", "int8"]
    found = manifest.artefacts["fp16"].range
    assert found is not None
    assert (found.clips, found.source) == (4, "calibration set")
    calibration = manifest.calibration
    assert calibration is not None
    assert calibration["sha256"] == sha256_file(lower_bundle.parent / "set.json")
    drifts = {m["method"]: m["mean_drift"] for m in calibration["methods"]}
    assert drifts[calibration["method"]] == min(drifts.values())
    assert manifest.artefacts["int8"].verification[0].allowed["mae"] == 2
    card = (lower_bundle / "model-card.md").read_text()
    for words in (
        "| fp16, weights |",
        "| fp16, arithmetic |",
        "| int8 |",
        "FP16, range",
        found.tensor,
    ):
        assert words in card
    assert f"calibrated by {calibration['method']} on 4 training clips" in card


def test_every_artefact_on_every_engine_gives_exports_numbers(
    edgeecho: Any, lower_bundle: Path, tmp_path: Path
) -> None:
    done = edgeecho("verify", lower_bundle, "--json", "--out", tmp_path / "sent.json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert json.loads((tmp_path / "sent.json").read_text()) == report
    assert report["passed"] is True
    manifest = read_manifest(lower_bundle)
    assert {r["clips"] for r in report["results"]} == {manifest.references["clips"]}
    rows = {(r["precision"], r["engine"]["name"]): r for r in report["results"]}
    assert len(rows) == 6
    for precision, artefact in manifest.artefacts.items():
        for check in artefact.verification:
            if check.engine == "pytorch":
                continue
            row = rows[precision, check.engine]
            assert row["drift"]["max"] == pytest.approx(check.max_drift, abs=1e-4)
            assert row["drift"]["mean"] == pytest.approx(check.mean_drift, abs=1e-4)
            assert row["limits"] == check.allowed
            assert row["sha256"] == artefact.sha256
    assert str(Path.home()) not in done.stdout
    assert str(lower_bundle.parent) not in done.stdout


def test_a_limit_of_zero_fails_with_6_and_still_writes_the_report(
    edgeecho: Any, lower_bundle: Path, tmp_path: Path
) -> None:
    words = ["--engine", "openvino", "--precision", "int8", "--limit", "int8.max=0"]
    done = edgeecho("verify", lower_bundle, *words, "--out", tmp_path / "sent.json")
    assert done.returncode == 6
    assert len(done.stderr.splitlines()) == 1
    assert "int8.onnx on openvino differs from PyTorch by up to" in done.stderr
    assert "FAIL" in done.stdout
    report = json.loads((tmp_path / "sent.json").read_text())
    assert report["passed"] is False
    assert [r["limits"]["max"] for r in report["results"]] == [0]
    assert "allowed are 0" in report["results"][0]["missed"]


def test_an_artefact_that_answers_otherwise_fails(edgeecho: Any, bundle: Path) -> None:
    onnx = pytest.importorskip("onnx")
    file = bundle / "int8.onnx"
    model = onnx.load(file)
    (head,) = (node for node in model.graph.node if node.op_type == "Gemm")
    (bias,) = (i for i in model.graph.initializer if i.name == head.input[2])
    value = onnx.numpy_helper.to_array(bias) + np.float32(10)
    bias.CopyFrom(onnx.numpy_helper.from_array(value, bias.name))
    onnx.save(model, file)
    words = ["verify", bundle, "--engine", "openvino", "--precision", "int8"]
    refused = edgeecho(*words)
    assert refused.returncode == 4, "a changed file is not run at all"
    assert "was changed after export" in refused.stderr
    edit(bundle, lambda v: v["artefacts"]["int8"].update(sha256=sha256_file(file)))
    done = edgeecho(*words)
    assert done.returncode == 6
    assert "on average" in done.stderr


def test_references_must_be_there_and_whole(edgeecho: Any, bundle: Path) -> None:
    file = bundle / "references.npz"
    file.write_bytes(file.read_bytes() + b"\0")
    done = edgeecho("verify", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    assert "was changed after export" in done.stderr
    file.unlink()
    assert "lacks references.npz" in edgeecho("verify", bundle).stderr
    file.write_text("no archive")
    edit(bundle, lambda v: v["references"].update(sha256=sha256_file(file)))
    done = edgeecho("verify", bundle)
    assert (done.returncode, len(done.stderr.splitlines())) == (4, 1)
    edit(bundle, lambda v: v["references"].update(file="../references.npz"))
    assert edgeecho("verify", bundle).returncode == 4


def test_a_bundle_that_states_no_limits_is_refused_in_one_line(edgeecho: Any, bundle: Path) -> None:
    edit(bundle, lambda v: v["artefacts"]["int8"].update(verification=[]))
    done = edgeecho("verify", bundle)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == (
        "edgeecho: the manifest gives no limits for int8.onnx: export the bundle again\n"
    )


@pytest.mark.parametrize("precision", ["fp16", "int8"])
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_infer_runs_the_artefact_that_is_asked_for(
    edgeecho: Any, lower_bundle: Path, phantoms: Path, precision: str, engine: str
) -> None:
    video = next((phantoms / "Videos").iterdir())
    words = ["infer", video, "--model", lower_bundle, "--json", "--clips", "center"]
    (exact,) = json.loads(edgeecho(*words).stdout)["results"]
    done = edgeecho(*words, "--precision", precision, "--engine", engine)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"]["precision"] == precision
    assert answer["engine"]["name"] == engine
    assert answer["engine"]["precision"] == ("int8+f32" if precision == "int8" else "f32")
    assert 0 < abs(answer["results"][0]["ef"] - exact["ef"]) < 3


def test_any_batch_gives_the_same_ef(lower_bundle: Path) -> None:
    clips = np.random.default_rng(0).standard_normal((3, 3, 32, 56, 56), np.float32)
    for precision in ("fp16", "int8"):
        engine = load_engine("openvino", open_model(lower_bundle, precision=precision))
        alone = np.concatenate([engine.run(clips[i : i + 1]).ef for i in range(3)])
        assert np.abs(engine.run(clips).ef - alone).max() < 0.05


def test_verify_needs_neither_torch_nor_onnx(lower_bundle: Path) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['edgeecho', 'verify', {str(lower_bundle)!r}, '--precision', 'fp32',"
        " '--engine', 'openvino']\n"
        "from edgeecho.cli.app import main\n"
        "try: main()\n"
        "finally: print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "openvino" in loaded
    assert not loaded & {"torch", "onnx", "onnxruntime", "matplotlib", "edgeecho_export"}


def test_drift_on_a_data_set_is_measured_from_fp32_and_goes_into_the_card(
    edgeecho: Any, bundle: Path, phantoms: Path
) -> None:
    from edgeecho.dataset import read_dataset

    n = len(read_dataset(phantoms, split="TEST"))
    words = ["verify", bundle, "--data", phantoms, "--clips", n, "--record"]
    done = edgeecho(*words)
    assert done.returncode == 0, done.stderr
    assert f"{n} TEST clips of synthetic phantoms" in done.stdout
    assert "EF points from fp32.onnx on openvino" in done.stdout
    (entry,) = read_manifest(bundle).drift
    assert ({r["clips"] for r in entry["results"]}, entry["split"]) == ({n}, "TEST")
    results = {(r["precision"], r["engine"].split()[0]): r for r in entry["results"]}
    # The reference itself does not drift; INT8 does, by what running it by hand shows.
    assert results["fp32", "openvino"]["max"] == 0
    spec = open_model(bundle).preprocess
    from edgeecho.dataset.reference import select_reference_clips

    clips = select_reference_clips(read_dataset(phantoms, split="TEST"), spec, n=n)
    assert clips is not None
    efs = {
        kind: np.concatenate(
            [
                load_engine("openvino", open_model(bundle, precision=kind)).run(clip[None]).ef
                for clip in clips.normalised(spec)
            ]
        )
        for kind in ("fp32", "int8")
    }
    drift = np.abs(efs["int8"].astype(float) - efs["fp32"])
    assert results["int8", "openvino"]["mean"] == pytest.approx(drift.mean(), abs=1e-6)
    assert drift.mean() > 0
    card = (bundle / "model-card.md").read_text()
    assert "on TEST clips of: synthetic phantoms" in card
    int8 = results["int8", "openvino"]
    row = f"| int8 | {int8['engine']} on {int8['device']} | {n} | {drift.mean():.4f} |"
    assert row in card
    # Again: replaced, not added; and the bundle can still be opened.
    assert edgeecho(*words).returncode == 0
    assert len(read_manifest(bundle).drift) == 1


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--record"], 2, "--record needs BUNDLE"),
        (["--data", "DATA", "--split", "NONE"], 2, "choose TRAIN, VAL, TEST"),
        (["--data", "DATA", "--clips", "500"], 3, "500 were asked for"),
        (["--data", "nowhere"], 3, "is not an EchoNet-format data set"),
    ],
)
def test_data_that_cannot_be_used_is_one_line(
    edgeecho: Any, lower_bundle: Path, phantoms: Path, options: list[str], code: int, says: str
) -> None:
    words = [str(phantoms) if word == "DATA" else word for word in options]
    done = edgeecho("verify", lower_bundle, *words)
    assert (done.returncode, len(done.stderr.splitlines())) == (code, 1)
    assert says in done.stderr


def test_a_missed_limit_on_data_is_not_recorded(
    edgeecho: Any, bundle: Path, phantoms: Path
) -> None:
    words = ["--data", phantoms, "--clips", 2, "--precision", "int8", "--record"]
    assert edgeecho("verify", bundle, *words, "--limit", "int8.max=0").returncode == 6
    assert read_manifest(bundle).drift == ()


def test_later_measurements_join_earlier_ones(edgeecho: Any, bundle: Path, phantoms: Path) -> None:
    words = ["verify", bundle, "--data", phantoms, "--clips", 2, "--record", "--engine", "openvino"]
    for precision in ("int8", "fp16", "int8"):
        assert edgeecho(*words, "--precision", precision).returncode == 0
    (entry,) = read_manifest(bundle).drift
    assert [r["precision"] for r in entry["results"]] == ["fp16", "int8"]
    assert edgeecho(*words, "--precision", "fp16", "--split", "VAL").returncode == 0
    assert len(read_manifest(bundle).drift) == 2


def test_one_damaged_artefact_does_not_cost_the_report(
    edgeecho: Any, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (bundle / "int8.onnx").open("ab") as stream:
        stream.write(b"x")
    monkeypatch.chdir(bundle)
    done = edgeecho("verify", ".", "--out", tmp_path / "sent.json")
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1
    assert "int8.onnx did not run on any engine" in done.stderr
    assert "was changed after export" in done.stderr
    report = json.loads((tmp_path / "sent.json").read_text())
    assert report["passed"] is False
    assert {r["precision"] for r in report["results"]} == {"fp32", "fp16"}
    (left,) = [n for n in report["not_run"] if n["failed"]]
    assert left["file"] == "int8.onnx"
    assert str(bundle) not in left["reason"]
    assert "int8.onnx was changed" in left["reason"], "dots are no paths"


def test_an_engine_that_was_built_for_one_precision_runs_that_one(
    edgeecho: Any, bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeecho.common.errors import EngineError
    from edgeecho.tools.verify import run

    real = run.load_engine

    def only_fp16(name: str, model: Any, *, threads: int) -> Any:
        if model.precision != "fp16":
            raise EngineError(f"no engine of {model.path.name} for this machine")
        return real(name, model, threads=threads)

    monkeypatch.setattr(run, "load_engine", only_fp16)
    done = edgeecho("verify", bundle, "--engine", "openvino")
    assert done.returncode == 0
    assert "fp16.onnx on openvino" in done.stdout
    assert "not run: fp32.onnx on openvino: no engine of fp32.onnx" in done.stdout
    assert edgeecho("verify", bundle, "--engine", "openvino", "--precision", "fp32").returncode == 4


def test_loosened_limits_are_seen_in_card_and_report(edgeecho: Any, lower_bundle: Path) -> None:
    card = (lower_bundle / "model-card.md").read_text()
    assert "mean 2 (**loosened**)" in card
    assert "max 0.01 |" in card
    shown = edgeecho("verify", lower_bundle, "--engine", "openvino").stdout
    assert shown.count("held to loosened limits: mean 2.0, p95 3.0, max 3.0, mae 2.0") == 1


def test_a_bundle_without_references_says_so_and_can_be_measured_on_data(
    edgeecho: Any, narrow_run: Path, phantoms: Path, tmp_path: Path
) -> None:
    out = tmp_path / "private"
    with traced_once():
        done = edgeecho("export", narrow_run / "best.pt", "--out", out, "--no-references")
    assert done.returncode == 0
    assert "pixels" not in done.stdout
    names = {"fp32.onnx", "fp32-shared.onnx", "manifest.json", "model-card.md"}
    assert {f.name for f in out.iterdir()} == names
    done = edgeecho("verify", out)
    assert done.returncode == 4
    assert "carries no reference clips" in done.stderr
    done = edgeecho("verify", out, "--data", phantoms, "--clips", 2)
    assert done.returncode == 0
    assert "2 TEST clips of synthetic phantoms" in done.stdout


def test_a_report_never_replaces_a_file_of_the_bundle(edgeecho: Any, bundle: Path) -> None:
    before = sha256_file(bundle / "manifest.json")
    done = edgeecho("verify", bundle, "--out", bundle / "manifest.json")
    assert done.returncode == 2
    assert "is one of the files to be read" in done.stderr
    assert sha256_file(bundle / "manifest.json") == before
