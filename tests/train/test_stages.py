"""Training in stages: what a recipe file may say, and that each stage starts from the last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from edgeecho.common.errors import UsageError
from edgeecho.common.files import sha256_file
from edgeecho_train.stages import read_stages

RECIPE = """
[common]
width = 0.0625
frames = 16
period = 4
batch_size = 5
optimizer = "adamw"
time = "resample(50)"
[[stage]]
size = 32
epochs = 1
lr = 1e-3
[[stage]]
size = 56
epochs = 2
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(RECIPE)
    return path


@pytest.mark.slow
def test_each_stage_starts_from_the_best_of_the_last_and_a_run_resumes(
    edgeecho: Any, phantoms: Path, recipe: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    words = ["train", phantoms, "--out", out, "--recipe", recipe, "--workers", 0]
    done = edgeecho(*words)
    assert done.returncode == 0, done.stderr
    assert (out / "recipe.toml").read_text() == RECIPE
    first, second = (
        torch.load(out / stage / "best.pt", weights_only=True) for stage in ("stage1", "stage2")
    )
    kept = second["provenance"]["recipe"]
    assert kept["init"] == f"sha256:{sha256_file(out / 'stage1' / 'best.pt')}"
    assert (kept["size"], kept["epochs"], kept["lr"]) == (56, 2, 1e-4)
    assert first["provenance"]["recipe"]["init"] == "random"
    assert first["preprocess"]["time"] == second["preprocess"]["time"] == "resample(50)"
    assert f"best checkpoint of the last stage: {out / 'stage2' / 'best.pt'}" in done.stderr

    # Without --resume it is refused; with it, what is done stays as it is, byte for byte.
    assert edgeecho(*words).returncode == 2
    before = {file: sha256_file(file) for file in sorted(out.rglob("best.pt"))}
    assert edgeecho(*words, "--resume").returncode == 0
    assert {file: sha256_file(file) for file in sorted(out.rglob("best.pt"))} == before
    # A stage that was never begun is begun by --resume.
    for file in (out / "stage2").iterdir():
        file.unlink()
    assert edgeecho(*words, "--resume").returncode == 0
    assert json.loads((out / "stage2" / "run.json").read_text())["provenance"]["recipe"] == kept
    recipe.write_text(RECIPE.replace("1e-3", "2e-3"))
    done = edgeecho(*words, "--resume")
    assert (done.returncode, "is not the recipe that was given" in done.stderr) == (2, True)


def test_options_beside_a_recipe_are_refused(
    edgeecho: Any, phantoms: Path, recipe: Path, tmp_path: Path
) -> None:
    done = edgeecho(
        "train", phantoms, "--out", tmp_path / "run", "--recipe", recipe, "--batch-size", 20
    )
    assert done.returncode == 2
    assert "--batch-size is the recipe's to say" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x", "is no TOML file"),
        ("", "at least one"),
        ("[[stage]]\nsize = 56\n[other]\n", "at least one"),
        ("[[stage]]\nbatch-size = 56\n", "batch-size is not known; fields are size"),
        ("[[stage]]\ninit = 'random'\n", "init is not known"),
        ("[[stage]]\nepochs = 1.5\n", "epochs = 1.5 must be int"),
        ("[[stage]]\nepochs = true\n", "epochs = True must be int"),
        ("[[stage]]\nbf16 = 1\n", "bf16 = 1 must be bool"),
        ("[[stage]]\nloss = 'l3'\n", "--loss 'l3' is not known"),
    ],
)
def test_recipes_that_cannot_be_used(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_stages(path)


def test_the_full_size_recipe_is_one() -> None:
    root = Path(__file__).parents[2]
    recipes = read_stages(root / "models" / "demo" / "recipe.toml").recipes
    assert [r.size for r in recipes] == [56, 112]
    assert [(r.frames, r.period) for r in recipes] == [(20, 3), (32, 2)]
    assert {(r.width, r.time) for r in recipes} == {(1, "resample(50)")}


def test_the_last_pass_of_the_demo_keeps_the_statistics_of_batch_norm() -> None:
    root = Path(__file__).parents[2]
    (recipe,) = read_stages(root / "models" / "demo" / "finish.toml").recipes
    assert (recipe.frames, recipe.period, recipe.size) == (32, 2, 112)
    assert (recipe.width, recipe.time) == (1, "resample(50)")
    assert recipe.freeze_batch_norm
