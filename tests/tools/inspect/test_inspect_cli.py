"""`edgeecho inspect` as people and programs use it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from edgeecho import RESEARCH_USE
from edgeecho.bundle import read_manifest
from edgeecho.common.files import sha256_file

NARROW = Path(__file__).parents[3] / "models" / "narrow" / "best.pt"


def one_line_error(done: Any) -> str:
    """The message of a command that failed as it should, with exit code 4."""
    assert done.returncode == 4, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("edgeecho: ")
    assert done.stderr.count("\n") == 1
    return str(done.stderr)


def row(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [name]]
    return line.split()[1:]


def test_help_names_itself(edgeecho: Any) -> None:
    shown = edgeecho("inspect", "--help")
    assert shown.returncode == 0
    assert "edgeecho inspect" in shown.stdout
    assert "not for diagnosis" in " ".join(shown.stdout.split())
    assert " inspect " in edgeecho("--help").stdout


def test_the_narrow_bundle_page(edgeecho: Any) -> None:
    done = edgeecho("inspect")
    assert (done.returncode, done.stderr) == (0, "")
    text = done.stdout
    assert row(text, "stem") == ["1x16x32x56x56", "2,172", "0.215", "space", "/2"]
    assert row(text, "layer2")[3:] == ["time", "/2,", "space", "/2"]
    assert row(text, "total") == ["1,958,225", "5.179"]
    assert "as trained, batch norms apart: 1,961,392" in text
    assert "clip of 1x3x32x112x112" in text
    assert text.splitlines()[-1] == RESEARCH_USE
    assert max(map(len, text.splitlines())) <= 100


def test_a_bundles_facts_are_its_manifests(edgeecho: Any, narrow_bundle: Path) -> None:
    manifest = read_manifest(narrow_bundle)
    text = edgeecho("inspect", narrow_bundle).stdout
    assert manifest.preprocess.sha256() in text
    assert manifest.provenance["checkpoint_sha256"] in text
    assert manifest.trained_on in " ".join(text.split())
    assert f"torch {manifest.provenance['versions']['torch']}" in text
    assert manifest.artefacts["fp32"].sha256 in text
    for check in manifest.artefacts["fp32"].verification:
        assert f"{check.engine} {check.version}: mean {check.mean_drift:.6f}" in text
        assert f"max {check.max_drift:.6f}" in text


def test_json_is_one_document_with_the_same_facts(edgeecho: Any, narrow_bundle: Path) -> None:
    done = edgeecho("inspect", narrow_bundle, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    value = json.loads(done.stdout)
    manifest = read_manifest(narrow_bundle)
    assert value["schema"] == "edgeecho-inspection-1"
    assert value["research_use"] == RESEARCH_USE
    assert (value["kind"], value["name"]) == ("bundle", "narrow")
    assert value["preprocess"] == manifest.preprocess.to_dict()
    assert value["preprocess_sha256"] == manifest.preprocess.sha256()
    assert value["provenance"] == manifest.provenance
    (artefact,) = value["artefacts"]
    assert artefact["sha256"] == sha256_file(narrow_bundle / "fp32.onnx")
    assert artefact["verification"][0]["max_drift"] >= 0
    network = value["network"]
    assert network["clip_shape"] == [1, 3, 32, 56, 56]
    assert network["macs"] == sum(stage["macs"] for stage in network["stages"])
    assert network["stages"][0]["space_divisor"] == 2
    assert network["parameters"] == sum(stage["parameters"] for stage in network["stages"])


def test_our_checkpoint_says_where_it_comes_from(edgeecho: Any) -> None:
    pytest.importorskip("torch")
    done = edgeecho("inspect", NARROW)
    assert (done.returncode, done.stderr) == (0, "")
    words = " ".join(done.stdout.split())
    assert f"sha256 {sha256_file(NARROW)}" in words
    assert row(done.stdout, "total") == ["1,961,392", "5.179"]
    assert "synthetic phantoms, never patients" in words
    assert "optimizer adamw" in words
    assert "n_train 1222" in words
    assert "Not known" not in done.stdout
    assert done.stdout.splitlines()[-1] == RESEARCH_USE


@pytest.mark.slow
@pytest.mark.parametrize("stored", [{}, {"frames": 24, "period": 3}])
def test_a_checkpoint_of_others_says_what_is_not_known(
    edgeecho: Any, tmp_path: Path, stored: dict[str, int]
) -> None:
    torch = pytest.importorskip("torch")
    from edgeecho_train.network import R2Plus1D18

    weights = {f"module.{k}": v for k, v in R2Plus1D18(0.0625).state_dict().items()}
    torch.save({"state_dict": weights, **stored} if stored else weights, tmp_path / "other.pt")
    value = json.loads(edgeecho("inspect", tmp_path / "other.pt", "--json").stdout)
    assert value["network"]["clip_shape"] == [1, 3, stored.get("frames", 32), 112, 112]
    assert value["preprocess"] == stored
    assert value["preprocess_sha256"] is None
    assert value["trained_on"] is None
    text = " ".join(edgeecho("inspect", tmp_path / "other.pt").stdout.split())
    assert "mean and std" in text.partition("Not known")[2]
    assert ("frames 32" in text) == (not stored)
    assert "size 112" in text


def test_a_checkpoint_that_is_a_program_is_refused_and_not_run(
    edgeecho: Any, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    trap = tmp_path / "trap"

    class Program:
        def __reduce__(self) -> Any:
            return Path.mkdir, (trap,)

    torch.save({"state_dict": Program()}, tmp_path / "evil.pt")
    assert "may be a program" in one_line_error(edgeecho("inspect", tmp_path / "evil.pt"))
    assert not trap.exists()


def test_a_lone_onnx_file_of_ours_keeps_its_preprocessing(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path
) -> None:
    # The suffix does not matter.
    lone = Path(shutil.copy(narrow_bundle / "fp32.onnx", tmp_path / "lone"))
    value = json.loads(edgeecho("inspect", lone, "--json").stdout)
    manifest = read_manifest(narrow_bundle)
    assert (value["kind"], value["file"], value["precision"]) == ("onnx", "lone", "fp32")
    assert value["sha256"] == manifest.artefacts["fp32"].sha256
    assert value["preprocess"] == manifest.preprocess.to_dict()
    assert value["architecture"] is None
    assert "manifest.json" in value["unknown"][0]
    text = edgeecho("inspect", lone).stdout
    assert "Provenance: not known" in text
    assert text.splitlines()[-1] == RESEARCH_USE


def test_an_onnx_file_of_others_shows_the_network_alone(
    edgeecho: Any, narrow_bundle: Path, tmp_path: Path
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(narrow_bundle / "fp32.onnx")
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "foreign.onnx")
    done = edgeecho("inspect", tmp_path / "foreign.onnx")
    assert (done.returncode, done.stderr) == (0, "")
    assert row(done.stdout, "layer4")[0] == "1x32x4x4x4"
    assert "Preprocessing: not known" in done.stdout
    assert "`edgeecho infer` refuses it" in " ".join(done.stdout.split())


def test_no_such_file(edgeecho: Any, tmp_path: Path) -> None:
    message = one_line_error(edgeecho("inspect", tmp_path / "nowhere.pt"))
    assert "no such model: give a checkpoint, a bundle folder or an ONNX file" in message


@pytest.mark.parametrize("name", ["notes.txt", "model.onnx", "best.pt"])
@pytest.mark.parametrize("content", [b"", b"hello, I am a text\n", b"\x89PNG\r\n\x1a\n"])
def test_a_file_that_is_no_model(edgeecho: Any, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    message = one_line_error(edgeecho("inspect", tmp_path / name))
    assert f"{name} is neither a checkpoint nor an ONNX file" in message


def test_a_folder_that_is_no_bundle(edgeecho: Any, tmp_path: Path) -> None:
    assert "not a model bundle" in one_line_error(edgeecho("inspect", tmp_path))


def test_damaged_files(edgeecho: Any, narrow_bundle: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.onnx"
    cut.write_bytes((narrow_bundle / "fp32.onnx").read_bytes()[:20_000])
    assert "is not an ONNX model that can be read" in one_line_error(edgeecho("inspect", cut))
    copy = shutil.copytree(narrow_bundle, tmp_path / "bundle")
    shutil.copy(cut, copy / "fp32.onnx")
    assert "was changed after export" in one_line_error(edgeecho("inspect", copy))


def test_a_damaged_checkpoint(edgeecho: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "cut.pt").write_bytes(NARROW.read_bytes()[:100_000])
    assert "damaged" in one_line_error(edgeecho("inspect", tmp_path / "cut.pt"))


def run_without(module: str, *words: object) -> subprocess.CompletedProcess[str]:
    """`edgeecho ...` in a process of its own where `module` is not installed."""
    code = textwrap.dedent(f"""
        import sys
        sys.modules[{module!r}] = None
        import edgeecho.common.extras
        edgeecho.common.extras._is_installed = lambda name: name != {module!r}
        sys.argv = {["edgeecho", *map(str, words)]!r}
        from edgeecho.cli.app import main
        main()
    """)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@pytest.mark.slow
def test_without_torch_a_bundle_is_inspected_and_a_checkpoint_names_the_extra() -> None:
    bundle = run_without("torch", "inspect")
    assert (bundle.returncode, bundle.stderr) == (0, "")
    assert "1,961,392" in bundle.stdout
    assert one_line_error(run_without("torch", "inspect", NARROW)) == (
        "edgeecho: `edgeecho inspect` of a checkpoint needs torch, which is not installed: "
        "pip install 'edgeecho[export]'\n"
    )


@pytest.mark.slow
def test_a_bundle_loads_no_stage() -> None:
    code = textwrap.dedent("""
        import sys
        from edgeecho.tools.inspect import inspect_model
        inspect_model()
        print(*{m.partition(".")[0] for m in sys.modules})
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "openvino" in loaded
    assert not loaded & {"torch", "onnx", "onnxruntime", "edgeecho_export", "edgeecho_train"}


@pytest.mark.slow
def test_a_checkpoint_needs_no_package_of_the_exporter() -> None:
    pytest.importorskip("torch")
    assert run_without("onnx", "inspect", NARROW).returncode == 0


def test_an_installation_without_the_stage_says_so(
    edgeecho: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.tools.inspect.read.entry_points", lambda **_: ())
    message = one_line_error(edgeecho("inspect", NARROW))
    assert "edgeecho_export" in message
    assert "pip install" in message


def test_numbers_that_json_lacks_become_null() -> None:
    from edgeecho.tools.inspect import Inspection, NetworkStage, to_json

    odd = {"val_correlation": float("nan"), "best": float("inf"), 3: {1, 2}}
    stage = NetworkStage("network", None, None, 0, None)
    found = Inspection("checkpoint", "a.pt", None, (stage,), "", provenance={"result": [odd]})
    (result,) = json.loads(to_json(found))["provenance"]["result"]
    assert result == {"val_correlation": None, "best": None, "3": "{1, 2}"}
