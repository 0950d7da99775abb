"""The hooks of `.pre-commit-config.yaml`: programs of the clone's environment, which notice."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import ROOT, read

CONFIG = ROOT / ".pre-commit-config.yaml"
REPOSITORIES = yaml.safe_load(read(CONFIG))["repos"]
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for repository in REPOSITORIES for hook in repository["hooks"]
}
BIN = Path(sys.executable).parent


def test_nothing_is_downloaded() -> None:
    assert [repository["repo"] for repository in REPOSITORIES] == ["local"]
    assert {hook["language"] for hook in HOOKS.values()} == {"system"}


def test_they_are_the_programs_of_make_check() -> None:
    programs = [hook["entry"].split()[0] for hook in HOOKS.values()]
    assert set(programs) == {f".venv/bin/{name}" for name in ("ruff", "mypy", "lint-imports")}
    for program in programs:
        assert f"\t{program}" in read(ROOT / "Makefile")


def run_hook(name: str, folder: Path, *files: Path) -> int:
    program, *words = shlex.split(HOOKS[name]["entry"])
    given = files if HOOKS[name].get("pass_filenames", True) else ()
    command = [BIN / Path(program).name, *words, *given]
    return subprocess.run(command, cwd=folder, capture_output=True).returncode


def test_the_linter_notices(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("A = 1\n")
    bad.write_text("import os\n")
    assert (run_hook("ruff-check", ROOT, good), run_hook("ruff-check", ROOT, bad)) == (0, 1)


def test_the_formatter_formats(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("A=1\n")
    assert run_hook("ruff-format", ROOT, file) == 0
    assert file.read_text() == "A = 1\n"


@pytest.mark.slow
def test_the_contracts_notice(tmp_path: Path) -> None:
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    for name in ("edgeecho", "edgeecho_train", "edgeecho_calibration", "edgeecho_export"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    assert run_hook("import-contracts", tmp_path) != 0
    assert run_hook("import-contracts", ROOT) == 0


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the hooks, and an environment that git ignores."""
    shutil.copyfile(CONFIG, tmp_path / CONFIG.name)
    (tmp_path / ".venv").symlink_to(BIN.parent)
    (tmp_path / ".gitignore").write_text(".venv\n.pre-commit-home\n")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.slow
def test_pre_commit_runs_them(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pre_commit")
    monkeypatch.setenv("PRE_COMMIT_HOME", str(clone / ".pre-commit-home"))

    def run() -> subprocess.CompletedProcess[str]:
        subprocess.run(["git", "add", "-A"], cwd=clone, check=True)
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "ruff-check"],
            cwd=clone, capture_output=True, text=True,
        )  # fmt: skip

    (clone / "a.py").write_text("A = 1\n")
    done = run()
    assert (done.returncode, "Passed" in done.stdout) == (0, True), done.stdout + done.stderr
    (clone / "a.py").write_text("import os\n")
    done = run()
    assert (done.returncode, "Failed" in done.stdout) == (1, True)
