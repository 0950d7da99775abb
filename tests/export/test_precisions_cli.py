"""`edgeecho export --fp16 --int8`: what is refused, and that a missed gate publishes nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from traced import AS_PROCESS

from edgeecho.bundle import EXAMPLE, read_manifest
from edgeecho.common.precisions import PRECISIONS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def chosen(narrow_run: Path, phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration set of 2 clips for `narrow_run`."""
    from edgeecho.common.files import write_json
    from edgeecho_calibration.select import select
    from edgeecho_export.checkpoint import CheckpointOptions, read_checkpoint

    spec = read_checkpoint(narrow_run / "best.pt", CheckpointOptions()).preprocess
    path = tmp_path_factory.mktemp("set") / "set.json"
    write_json(path, select(phantoms, spec, n=2, seed=0).to_dict())
    return path


def test_every_row_of_the_table_has_its_recipe() -> None:
    from edgeecho_export.recipes import find_recipe

    assert [find_recipe(name).name for name in PRECISIONS] == list(PRECISIONS)


ANOTHER = """
import sys, types
import onnx
from edgeecho.common.precisions import FEW, LIMITS, PRECISIONS, DriftLimits, MaskLimits, Precision
masks = MaskLimits(dice=0.9999, area=0.02, worst_area=0.5)
row = Precision(DriftLimits(max=0.01), FEW, masks, "f32", "f32", export_help="Also again.onnx.")
PRECISIONS["again"], LIMITS["again"] = row, row.limits

from edgeecho_export.checks.parity import verify
from edgeecho_export.graph import set_precision
from edgeecho_export.recipes.base import ExportRecipe, RecipeResult

class Again(ExportRecipe):
    name = "again"

    def make(self, work, path):
        model = onnx.load(work.fp32)
        set_precision(model, self.name)
        onnx.save(model, path)
        return RecipeResult(verify(path, work.drift_check(self.name)))

module = types.ModuleType("edgeecho_export.recipes.again")
module.RECIPE = Again()
sys.modules[module.__name__] = module
"""
"""`edgeecho` with a precision more: a row of the table, and a recipe."""


def test_a_row_and_a_recipe_are_all_that_a_new_precision_takes(
    tmp_path: Path, narrow_run: Path
) -> None:
    def run(*words: object) -> str:
        main = AS_PROCESS if words[0] == "export" else "from edgeecho.cli.app import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER + main, *map(str, words)], capture_output=True, text=True
        )
        assert done.returncode in (0, 5), done.stderr
        return done.stdout

    out = tmp_path / "bundle"
    words = ("--out", out, "--again", "--limit", "again.max=0.02")
    assert "again.onnx on onnxruntime" in run("export", narrow_run / "best.pt", *words)
    assert "again.onnx on openvino" in run("verify", out, "--precision", "again")
    assert ", again," in run("infer", EXAMPLE, "--model", out, "--precision", "again")
    words = ("--runs", 2, "--warmup", 1, "--cold-starts", 0)
    assert "openvino:again" in run("bench", "--model", out, "--compare", "again", *words)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--int8"], 2, "--int8 needs --calibration SET"),
        (["--calibration", "SET"], 2, "--int8 or --fp16 only"),
        (["--int8", "--calibration", "SET", "--method", "guess"], 2, "minmax, percentile"),
        (["--fp16", "--calibration-data", "."], 2, "needs --calibration"),
        (["--fp16", "--limit", "fp16=1"], 2, "PRECISION.STATISTIC=POINTS"),
        (["--int8", "--calibration", "nowhere.json"], 3, "cannot be read"),
        (["--int8", "--calibration", "OTHER"], 3, "other preprocessing"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    edgeecho: Any,
    options: list[str],
    code: int,
    says: str,
    chosen: Path,
    narrow_run: Path,
    tmp_path: Path,
) -> None:
    other = json.loads(chosen.read_text())
    other["preprocess_sha256"] = "0" * 64
    (tmp_path / "other.json").write_text(json.dumps(other))
    words = {"SET": str(chosen), "OTHER": str(tmp_path / "other.json")}
    out = tmp_path / "bundle"
    options = [words.get(word, word) for word in options]
    done = edgeecho("export", narrow_run / "best.pt", "--out", out, *options)
    assert done.returncode == code
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr
    assert not out.exists()


def test_a_missed_gate_publishes_nothing_and_keeps_the_old_bundle(
    edgeecho: Any, chosen: Path, narrow_run: Path, tmp_path: Path
) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("mine")
    words = ["export", narrow_run / "best.pt", "--out", out, "--overwrite", "--int8"]
    words += ["--calibration", chosen, "--method", "minmax"]
    done = edgeecho(*words, "--limit", "int8.max=0")
    assert done.returncode == 6
    assert "allowed are 0: no bundle was written" in done.stderr
    assert [f.name for f in tmp_path.iterdir()] == ["bundle"]
    assert (out / "manifest.json").read_text() == "mine"


def test_fp16_alone_takes_the_reference_clips_and_tells_the_three_parts_apart(
    edgeecho: Any, narrow_run: Path, tmp_path: Path
) -> None:
    done = edgeecho("export", narrow_run / "best.pt", "--out", tmp_path / "b", "--fp16")
    assert done.returncode == 0, done.stderr
    for part in ("range: largest of", "weights, on openvino", "weights, on onnxruntime",
                 "arithmetic, on pytorch"):  # fmt: skip
        assert done.stdout.count(f"fp16.onnx, {part}") == 1
    found = read_manifest(tmp_path / "b").artefacts["fp16"].range
    assert found.source == "reference clips"
    assert read_manifest(tmp_path / "b").calibration is None


def test_kill_9_in_the_middle_leaves_the_old_bundle(narrow_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    out.mkdir()
    (out / "manifest.json").write_text("mine")
    code = (
        "import os, signal\n"
        "from edgeecho_export.recipes import fp16\n"
        "fp16.write_fp16 = lambda *a: os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    words = ["export", narrow_run / "best.pt", "--out", out, "--overwrite", "--fp16"]
    done = subprocess.run(
        [sys.executable, "-c", code + AS_PROCESS, *map(str, words)], capture_output=True
    )
    assert done.returncode == -signal.SIGKILL
    assert [f.name for f in out.iterdir()] == ["manifest.json"]
    assert (out / "manifest.json").read_text() == "mine"
    assert [f.name for f in tmp_path.iterdir() if not f.name.startswith(".")] == ["bundle"]
