"""The demo model as users get it: package data, its checkpoint, the examples."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.examples import get_path
from scipy.stats import binomtest

from edgeecho.bundle import DEMO, EXAMPLE, Manifest, open_model, read_manifest
from edgeecho.common.files import sha256_file

ROOT = Path(__file__).parents[1]
PHANTOMS = ROOT / "examples" / "phantoms"
CHECKPOINT = ROOT / "models" / "demo" / "checkpoint.safetensors"


@cache
def manifest() -> Manifest:
    return read_manifest(DEMO)


def evaluation(clips: str, seed: int, n: int, precision: str = "int8") -> dict[str, Any]:
    """What was recorded on the n phantoms of a seed."""
    (entry,) = [
        dict(e)
        for e in manifest().evaluation
        if (e["clips"], e["precision"], e["n"]) == (clips, precision, n)
        and f"seed {seed}," in e["data"]
    ]
    return entry


def demo(*words: object) -> subprocess.CompletedProcess[str]:
    """`edgeecho ...` with the model that the package brings."""
    environment = {k: v for k, v in os.environ.items() if k != "EDGEECHO_MODEL"}
    return subprocess.run(
        [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *map(str, words)],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_the_bundle_is_small_and_whole() -> None:
    assert sum(file.stat().st_size for file in DEMO.iterdir()) <= 35e6
    assert {file.name for file in DEMO.iterdir()} == {
        "int8.onnx",
        "int8-shared.onnx",
        "manifest.json",
        "model-card.md",
        "trust.npz",
    }
    found = open_model(DEMO)
    assert (found.name, found.precision) == ("demo", "int8")
    assert manifest().architecture["parameters"] == 31_300_638
    assert found.preprocess.time == "resample(50)"


def test_the_card_says_first_what_the_model_knows() -> None:
    first = (DEMO / "model-card.md").read_text(encoding="utf-8").splitlines()[0]
    assert "trained on synthetic phantoms" in first
    assert "knows nothing of patients" in first


def test_its_recorded_evaluation_meets_what_was_asked_of_it() -> None:
    entry = evaluation("stride:16", seed=103, n=300)
    assert entry["mae"] <= 4.0
    assert entry["r2"] >= 0.9
    assert entry["refused"] <= 0.02 * entry["n"]


@pytest.mark.parametrize(("clips", "seed", "n"), [("stride:16", 104, 150), ("all", 103, 30)])
def test_the_other_evaluations_are_recorded_and_on_the_card(clips: str, seed: int, n: int) -> None:
    entry = evaluation(clips, seed, n)
    assert entry["mae"] < entry["mae_of_mean"] / 3
    assert entry["model_sha256"] == open_model(DEMO).sha256
    card = (DEMO / "model-card.md").read_text(encoding="utf-8")
    assert f"| {entry['mae']:.2f} |" in card
    assert f"| {entry['mae_of_mean']:.2f} |" in card


def test_int8_is_as_good_as_the_checkpoint() -> None:
    int8, fp32 = (evaluation("center", 103, 300, precision) for precision in ("int8", "fp32"))
    assert int8["mae"] - fp32["mae"] <= 0.1


def test_the_interval_holds_what_it_says_on_phantoms_that_it_never_saw() -> None:
    """The exact 95 % interval of its coverage meets 88 to 92 %."""
    for clips in ("stride:16", "center"):
        found = evaluation(clips, 103, 300)["coverage"]
        exact = binomtest(found["inside"], found["n"]).proportion_ci(0.95)
        assert exact.low <= 0.92, clips
        assert exact.high >= 0.88, clips


def test_sharing_costs_what_the_manifest_says() -> None:
    """In 10^9 multiply-adds: all clips of 176 frames are twice 57, each of every second frame."""
    shared = manifest().artefacts["int8"].shared
    assert shared is not None
    cost = shared.cost
    assert cost.plain == pytest.approx(81.04, abs=0.01)
    together = cost.frame * 88 + cost.clip * 57 + cost.fixed
    assert 57 * cost.plain / together == pytest.approx(2.28, abs=0.01)


def test_the_published_checkpoint_is_what_the_bundle_was_made_of() -> None:
    assert CHECKPOINT.stat().st_size <= 65e6
    assert manifest().provenance["checkpoint_sha256"] == sha256_file(CHECKPOINT)


def test_the_examples_are_answered_with_an_interval_from_their_own_motion() -> None:
    done = demo("infer", PHANTOMS, "--json")
    results = json.loads(done.stdout)["results"]
    # A gate refuses one of them, just beyond its threshold: that happens to clean videos too.
    refused = [r["file"] for r in results if r["status"] == "refused"]
    assert (done.returncode, refused) == (5, ["phantom-s3-00003.avi"]), done.stderr
    answers = {r["file"][:-4]: r for r in results if r["status"] == "answered"}
    with (PHANTOMS / "FileList.csv").open() as stream:
        truth = {row["FileName"]: float(row["EF"]) for row in csv.DictReader(stream)}
    assert len(answers) == len(truth) - 1
    errors = np.array([answer["ef"] - truth[name] for name, answer in answers.items()])
    assert np.abs(errors).mean() < 6
    for answer in answers.values():
        assert answer["interval"]["low"] < answer["ef"] < answer["interval"]["high"]
        assert answer["interval"]["level"] == 0.9


def test_a_real_cine_is_refused_with_reasons_and_without_a_number() -> None:
    done = demo("infer", get_path("ybr_color"), "--json")
    assert done.returncode == 5, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["status"] == "refused"
    assert "ef" not in result
    assert "far-statistics" in {r["gate"] for r in result["refusals"]}


def test_the_package_example_is_one_of_the_examples() -> None:
    copies = [f for f in (PHANTOMS / "Videos").iterdir() if f.read_bytes() == EXAMPLE.read_bytes()]
    assert len(copies) == 1


def test_the_checkpoint_is_the_default_of_export(
    edgeecho: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeecho_export.cli import DEMO_CHECKPOINT, _version_of

    monkeypatch.chdir(ROOT)
    assert _version_of(DEMO_CHECKPOINT) == open_model(DEMO).version
    assert _version_of(ROOT / "README.md") == "1"
    assert CHECKPOINT.samefile(DEMO_CHECKPOINT)
    shown = edgeecho("inspect", CHECKPOINT)
    assert shown.returncode == 0, shown.stderr
    assert "31,300,638" in shown.stdout
