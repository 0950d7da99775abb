"""The demo model as users get it: package data, its checkpoint, the examples."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import DEMO, EXAMPLE, open_model, read_manifest

ROOT = Path(__file__).parents[1]
PHANTOMS = ROOT / "examples" / "phantoms"


def test_the_bundle_is_small_and_whole() -> None:
    assert sum(file.stat().st_size for file in DEMO.iterdir()) <= 10e6
    assert {file.name for file in DEMO.iterdir()} == {
        "fp32.onnx",
        "manifest.json",
        "model-card.md",
    }
    assert open_model().name == "demo"


def test_its_recorded_evaluation_meets_what_was_asked_of_it() -> None:
    (entry,) = read_manifest(DEMO).evaluation
    assert entry["n"] == 200
    assert entry["mae"] <= 6
    assert entry["correlation"] >= 0.9
    assert entry["mae"] < entry["mae_of_mean"] / 2
    assert entry["model_sha256"] == open_model().sha256
    card = (DEMO / "model-card.md").read_text(encoding="utf-8")
    assert "synthetic phantoms, never patients" in card.splitlines()[2]
    assert f"| {entry['mae']:.2f} |" in card
    assert f"| {entry['mae_of_mean']:.2f} |" in card


def test_the_examples_are_answered_from_the_phantoms_own_motion(edgeecho: Any) -> None:
    done = edgeecho("infer", PHANTOMS, "--json")
    assert done.returncode == 0, done.stderr
    answers = {r["file"][:-4]: r["ef"] for r in json.loads(done.stdout)["results"]}
    with (PHANTOMS / "FileList.csv").open() as stream:
        truth = {row["FileName"]: float(row["EF"]) for row in csv.DictReader(stream)}
    assert answers.keys() == truth.keys()
    errors = np.array([answers[name] - ef for name, ef in truth.items()])
    assert np.abs(errors).mean() < 8


def test_the_package_example_is_one_of_the_examples() -> None:
    copies = [f for f in (PHANTOMS / "Videos").iterdir() if f.read_bytes() == EXAMPLE.read_bytes()]
    assert len(copies) == 1


def test_export_without_arguments_gives_the_demo_bundle_again(
    edgeecho: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.chdir(ROOT)
    done = edgeecho("export", "--out", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    again, shipped = read_manifest(tmp_path / "demo"), read_manifest(DEMO)
    assert again.artefacts["fp32"].sha256 == shipped.artefacts["fp32"].sha256
    assert again.preprocess == shipped.preprocess
    assert {check.engine for check in again.artefacts["fp32"].verification} == {
        "openvino",
        "onnxruntime",
    }
