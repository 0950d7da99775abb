"""`edgeecho slim`: a bundle with only what a device runs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeecho.bundle import open_model, read_manifest
from edgeecho.common.files import sha256_file

BUNDLE = Path(__file__).parents[2] / "models" / "narrow" / "bundle"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two artefacts, a built engine and reference clips; slim runs none of them."""
    from dataclasses import replace

    from edgeecho.common.files import write_json

    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    shutil.copyfile(folder / "fp32.onnx", folder / "int8.onnx")
    # It names the file that it takes its weights from.
    graph = (folder / "fp32-shared.onnx").read_bytes().replace(b"fp32.onnx", b"int8.onnx")
    (folder / "int8-shared.onnx").write_bytes(graph)
    (folder / "engines").mkdir()
    (folder / "references.npz").write_bytes(b"pixels")
    manifest = read_manifest(folder)
    fp32 = manifest.artefacts["fp32"]
    assert fp32.shared is not None
    shared = replace(
        fp32.shared,
        file="int8-shared.onnx",
        sha256=sha256_file(folder / "int8-shared.onnx"),
    )
    int8 = replace(fp32, file="int8.onnx", precision="int8", shared=shared)
    more = {"fp32": fp32, "int8": int8}
    (folder / "trust.npz").write_bytes(b"intervals")
    measured = {
        **{"file": "trust.npz", "sha256": sha256_file(folder / "trust.npz")},
        **{"method": "split conformal", "level": 0.9, "n": 500, "videos": 500, "split": "VAL"},
        **{"data": "phantoms", "file_list_sha256": "0" * 64, "precision": "int8", "engine": "some"},
        **{"half_width": {"center": 8.0}, "thresholds": {"clip-spread": 3.0}},
    }
    references = {
        **{"file": "references.npz", "sha256": sha256_file(folder / "references.npz")},
        **{"clips": 8, "source": "some clips", "ef_sd": 17.5},
    }
    changed = replace(manifest, artefacts=more, references=references, uncertainty=measured)
    write_json(folder / "manifest.json", changed.to_dict())
    return folder


def test_only_what_was_asked_for_is_copied_and_it_is_the_default(
    edgeecho: Any, bundle: Path, tmp_path: Path
) -> None:
    out = tmp_path / "small"
    done = edgeecho("slim", bundle, "--precision", "int8", "--out", out)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in out.iterdir()} == {
        "int8.onnx", "int8-shared.onnx", "manifest.json", "model-card.md", "trust.npz",
    }  # fmt: skip
    assert open_model(out).precision == "int8"
    assert open_model(out).sha256 == sha256_file(bundle / "int8.onnx")
    before, after = read_manifest(bundle), read_manifest(out)
    assert after.evaluation == before.evaluation
    assert after.references == {"clips": 8, "source": "some clips", "ef_sd": 17.5}
    assert edgeecho("verify", out).returncode == 4, "there is nothing to verify with"


def test_a_precision_that_is_not_there_is_named(
    edgeecho: Any, bundle: Path, tmp_path: Path
) -> None:
    done = edgeecho("slim", bundle, "--precision", "fp16", "--out", tmp_path / "small")
    assert done.returncode == 4
    assert "holds no fp16 model, only fp32, int8" in done.stderr
    assert not (tmp_path / "small").exists()


def test_a_damaged_model_is_not_copied(edgeecho: Any, bundle: Path, tmp_path: Path) -> None:
    (bundle / "int8.onnx").write_bytes(b"half a model")
    done = edgeecho("slim", bundle, "--precision", "int8", "--out", tmp_path / "small")
    assert done.returncode == 4
    assert "was changed after export" in done.stderr
    assert not (tmp_path / "small").exists()


def test_what_was_measured_goes_along_or_the_copy_is_refused(
    edgeecho: Any, bundle: Path, tmp_path: Path
) -> None:
    (bundle / "trust.npz").write_bytes(b"of another model")
    done = edgeecho("slim", bundle, "--precision", "int8", "--out", tmp_path / "small")
    assert done.returncode == 4
    assert "calibrate trust" in done.stderr
    assert not (tmp_path / "small").exists()
