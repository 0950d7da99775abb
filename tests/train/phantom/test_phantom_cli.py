from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edgeecho_train.phantom.cli import app


@pytest.mark.parametrize(
    "options",
    [
        ["--n", "0", "--seed", "1"],
        ["--n", "1", "--seed", "-1"],
        ["--n", "1", "--seed", "1", "--frames", "23"],
        ["--n", "1", "--seed", "1", "--frames", "1003"],
        ["--n", "1", "--seed", "1", "--workers", "0"],
        ["--n", "1", "--seed", "1", "--traced", "1"],
        ["--n", "1", "--seed", "1", "--distribution", "normal"],
        ["--n", "1", "--seed", "1", "--split", "HOLDOUT"],
        ["--n", "1"],
    ],
)
def test_bad_options_are_usage_errors(options: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--out", str(tmp_path / "set"), *options])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_command_writes_a_set_and_says_it_is_synthetic(tmp_path: Path) -> None:
    out = tmp_path / "set"
    options = ["--n", "1", "--seed", "1", "--frames", "24", "--split", "test", "--workers", "1"]
    options += ["--traced", "30"]
    result = CliRunner().invoke(app, ["--out", str(out), *options])
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "synthetic" in result.stderr
    # A video with fewer frames is traced in all of them.
    rows = (out / "VolumeTracings.csv").read_text().splitlines()[1:]
    assert {row.rpartition(",")[2] for row in rows} == {str(frame) for frame in range(24)}
    assert (out / "FileList.csv").read_text().splitlines()[1].endswith(",24,TEST")


def test_import_is_light() -> None:
    code = (
        "import sys, edgeecho_train.phantom.cli;"
        "print(*[m for m in ('numpy', 'cv2', 'rich.progress', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
