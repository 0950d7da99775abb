"""The demo model as users get it: package data, its checkpoint, the examples."""

from __future__ import annotations

import csv
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from freeze import freeze
from scipy.stats import binomtest

from edgeecho.bundle import DEMO, EXAMPLE, Manifest, open_model, read_manifest
from edgeecho.cine import read_cine
from edgeecho.common.files import sha256_file
from edgeecho.results.bands import band
from edgeecho_train.phantom.population import PhantomRecipe, draw_phantom
from edgeecho_train.phantom.writer import write_video

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
PHANTOMS = EXAMPLES / "phantoms"
FROZEN = EXAMPLES / "faults" / "frozen.avi"
CHECKPOINT = ROOT / "models" / "demo" / "checkpoint.safetensors"
MASKS = CHECKPOINT.with_name("segmentation.safetensors")


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


def test_the_bundle_is_small_and_whole() -> None:
    assert sum(file.stat().st_size for file in DEMO.iterdir()) <= 35e6
    assert {file.name for file in DEMO.iterdir()} == {
        "int8.onnx",
        "int8-shared.onnx",
        "manifest.json",
        "model-card.md",
        "segmentation.int8.onnx",
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


@pytest.mark.parametrize(("clips", "seed", "n"), [("stride:16", 104, 150), ("stride:16", 203, 300)])
def test_the_other_evaluations_are_recorded_and_on_the_card(clips: str, seed: int, n: int) -> None:
    entry = evaluation(clips, seed, n)
    assert entry["mae"] < entry["mae_of_mean"] / 3
    assert entry["model_sha256"] == open_model(DEMO).sha256
    card = (DEMO / "model-card.md").read_text(encoding="utf-8")
    assert f"| {entry['mae']:.2f} |" in card
    assert f"| {entry['mae_of_mean']:.2f} |" in card


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
    assert cost.plain == pytest.approx(81.27, abs=0.01)
    together = cost.frame * 88 + cost.clip * 57 + cost.fixed
    assert 57 * cost.plain / together == pytest.approx(2.28, abs=0.01)


def test_the_published_checkpoints_are_what_the_bundle_was_made_of() -> None:
    assert CHECKPOINT.stat().st_size <= 65e6
    assert manifest().provenance["checkpoint_sha256"] == sha256_file(CHECKPOINT)
    masks = manifest().segmentation
    assert masks is not None
    assert masks.provenance["checkpoint_sha256"] == sha256_file(MASKS)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As much of a clone as `make demo` needs, so that its report is not written into this one."""
    root = tmp_path_factory.mktemp("clone")
    shutil.copytree(EXAMPLES, root / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture(scope="module")
def said(clone: Path) -> str:
    """What `make demo` prints, with the demo model."""
    done = subprocess.run(
        [sys.executable, clone / "examples" / "demo.py"],
        env={k: v for k, v in os.environ.items() if k != "EDGEECHO_MODEL"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def truths() -> dict[str, float]:
    with (PHANTOMS / "FileList.csv").open() as stream:
        return {row["FileName"]: float(row["EF"]) for row in csv.DictReader(stream)}


def test_the_demo_shows_five_phantoms_and_holds_the_truth_of_at_least_four(said: str) -> None:
    rows = re.findall(
        r"^    (\S+) +([\d.]+) +([\d.]+) +([-+][\d.]+)   ([\d.]+) to ([\d.]+), (\w+) it$",
        said,
        re.M,
    )
    truth = truths()
    assert len(truth) == 5
    assert {band(ef) for ef in truth.values()} == {"reduced", "mildly reduced", "preserved"}
    held = 0
    for name, true, ef, error, low, high, verdict in rows:
        assert float(true) == truth[name]
        assert float(error) == pytest.approx(float(ef) - truth[name])
        assert float(low) < float(ef) < float(high)
        inside = float(low) <= truth[name] <= float(high)
        assert verdict == ("holds" if inside else "misses")
        held += inside
    assert held >= 4
    assert f"The truth lies inside the interval of {held} of 5." in said


def test_the_demo_refuses_the_frozen_picture_for_a_reason_that_anyone_understands(
    said: str,
) -> None:
    told = [line for line in said.splitlines() if line.startswith("frozen.avi ")]
    reason = "nothing in this video moves as a heart does: a frozen picture, or one frame repeated"
    assert len(told) == 1
    assert told[0].split(maxsplit=1)[1].startswith(f"refused: frozen: {reason}; record the beating")
    block = said.split("\nfrozen.avi ")[1].split("\nexamples_ybr_color.dcm ")[0]
    assert block.count("refused: ") == 1
    assert "EF" not in block
    again = " ".join(said.split("\n(b)")[1].split("\n(c)")[0].split())
    assert f"frozen.avi refused: frozen: {reason};" in again


def test_the_demo_ends_with_the_page_that_holds_all_answers(clone: Path, said: str) -> None:
    assert said.splitlines()[-1] == "build/demo-report.html"
    assert str(clone) not in said
    assert [f.name for f in clone.iterdir() if f.name != "examples"] == ["build"]
    (report,) = (clone / "build").iterdir()
    page = report.read_text(encoding="utf-8")
    assert clone / said.splitlines()[-1] == report
    articles = page.split("<article ")[1:]
    names = [re.search(r"<h2[^>]*><bdi>(.*?)</bdi>", article) for article in articles]
    shown = {name[1]: article for name, article in zip(names, articles, strict=True) if name}
    assert [*shown] == [
        *(f"{name}.avi" for name in truths()),
        "frozen.avi",
        "examples_ybr_color.dcm",
    ]
    answers = dict(re.findall(r"^    (phantom-\S+) +[\d.]+ +([\d.]+) ", said, re.M))
    for name, article in shown.items():
        efs = re.findall(r'<data value="([\d.]+)"', article)
        answer = answers.get(name.removesuffix(".avi"))
        assert [f"{float(ef):.2f}" for ef in efs] == ([answer] if answer else [])
        assert ('<p class="verdict">Refused</p>' in article) == (answer is None)
    assert "far-texture: the grain" in said.split("\n(c)")[1]


def test_the_readme_shows_what_the_demo_says(said: str) -> None:
    """Its words, and its numbers but for what another processor rounds otherwise."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"\$ edgeecho infer examples/phantoms/Videos/(\S+)\n((?:.+\n)+)", readme)
    assert shown is not None
    lines = " ".join(shown[2].partition("    ...")[0].split())
    at = said.index(f"\n{shown[1]} ")
    real = " ".join(" ".join(said[at:].splitlines()[:6]).split())
    number = r"\d+(?:\.\d+)?"
    assert re.sub(number, "#", lines) == re.sub(number, "#", real)
    found, expected = ([float(n) for n in re.findall(number, text)] for text in (lines, real))
    assert found == pytest.approx(expected, abs=1)


def made_by(seed: int, frames: int, index: int, folder: Path) -> Path:
    recipe = PhantomRecipe(seed, frames=frames, split="TEST")
    return folder / f"{write_video(folder, recipe, index).name}.avi"


def test_the_examples_are_what_the_generator_makes(tmp_path: Path) -> None:
    """The first of the five, and the package's example, picture by picture; all five labels."""
    recipe = PhantomRecipe(21, frames=150, split="TEST")
    assert truths() == {p.name: p.ef for p, _ in (draw_phantom(recipe, i) for i in range(5))}
    first = PHANTOMS / "Videos" / "phantom-s21-00000.avi"
    for stored, anew in (
        (first, made_by(21, 150, 0, tmp_path)),
        (EXAMPLE, made_by(3, 100, 2, tmp_path)),
    ):
        a, b = read_cine(stored), read_cine(anew)
        # Other processors round the rendering otherwise.
        assert np.abs(a.frames.astype(int) - b.frames).mean() < 0.05
        assert a.fps == b.fps
    freeze(first, tmp_path / "frozen.avi")
    stored, anew = read_cine(FROZEN), read_cine(tmp_path / "frozen.avi")
    assert np.array_equal(stored.frames, anew.frames)
    assert (stored.frames == stored.frames[0]).all()
    assert (len(stored.frames), stored.fps) == (150, read_cine(first).fps)


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
