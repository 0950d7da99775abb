"""The recipes of docs/adding: each is followed as it is written, and does what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from pages import DOCS, ROOT, python_blocks, read

from edgeecho.bundle import EXAMPLE

INSIDE = ROOT / "edgeecho"


def recipe(name: str) -> str:
    return read(DOCS / "adding" / f"{name}.md")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the runtime's code to be changed."""
    left_out = shutil.ignore_patterns("__pycache__", "*.onnx", "*.npz")
    shutil.copytree(INSIDE, tmp_path / "edgeecho", ignore=left_out)
    return tmp_path


def insert(file: Path, block: str, *, before: str) -> None:
    text = read(file)
    assert text.count(before) == 1, before
    file.write_text(text.replace(before, block + before), encoding="utf-8")


def run(scratch: Path, code: str, *words: object) -> subprocess.CompletedProcess[str]:
    # The tests' helpers, which pytest finds by itself.
    given = [str(scratch), str(ROOT / "tests" / "support"), os.environ.get("PYTHONPATH")]
    path = os.pathsep.join(filter(None, given))
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        cwd=scratch,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


MAIN = "from edgeecho.cli.app import main; main()"


@pytest.mark.slow
def test_a_gate_is_a_function_and_a_row(scratch: Path) -> None:
    function, row, edges = python_blocks(recipe("gate"))
    file = scratch / "edgeecho" / "trust" / "gates.py"
    insert(file, f"{function}\n\n", before="FIXED: Mapping[")
    insert(file, row, before="}\n" + '"""Gates without calibration')
    (case,) = [textwrap.dedent(edges).strip().rstrip(",")]
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests" / "trust")!r})
from dataclasses import replace
from test_thresholds import GOOD, gates
gate, bad, good = {case}
print(gates(replace(GOOD, **bad)) == [gate], gates(replace(GOOD, **good)) == [])
from edgeecho.trust import refuse
print(refuse(replace(GOOD, **bad), None)[0].reason)
"""
    done = run(scratch, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "True True",
        "60 s are more than the 60 of one recording: cut out the part that shows the heart well",
    ]


@pytest.mark.slow
def test_a_format_is_a_writer_and_a_row(scratch: Path) -> None:
    writer, row = python_blocks(recipe("format"))
    (scratch / "edgeecho" / "report" / "markdown.py").write_text(writer)
    insert(scratch / "edgeecho" / "report" / "formats.py", row, before=")\nFORMATS: Mapping[")
    bad = scratch / "bad.avi"
    bad.write_text("text")
    done = run(scratch, MAIN, "infer", EXAMPLE, bad, "--format", "markdown", "--clips", "center")
    assert done.returncode == 3, done.stderr
    head, line, first, second, blank, last = done.stdout.splitlines()
    assert (head, line) == ("| file | EF, % |", "|---|---|")
    assert re.fullmatch(r"\| example\.avi \| (\d\d\.\d|refused: .+) \|", first)
    assert second.startswith("| bad.avi | no answer: bad.avi is not a video")
    assert (blank, last) == ("", "Research use only, not for diagnosis.")
    done = run(scratch, MAIN, "infer", EXAMPLE, "--format", "markdown", "--show-refused")
    assert done.returncode == 2
    assert "never holds refused numbers" in done.stderr


@pytest.mark.slow
def test_a_command_is_a_module_and_its_name(scratch: Path) -> None:
    module, example = python_blocks(recipe("command"))
    (scratch / "edgeecho" / "cli" / "commands" / "frames.py").write_text(module)
    app = scratch / "edgeecho" / "cli" / "app.py"
    app.write_text(read(app).replace('    "doctor",\n)', '    "doctor",\n    "frames",\n)'))
    done = run(scratch, MAIN, "frames", EXAMPLE)
    assert done.returncode == 0, done.stderr
    (expected,) = re.findall(r'startswith\("(.*?)"\)', example)
    assert done.stdout.startswith(expected)
    shown = " ".join(run(scratch, MAIN, "--help").stdout.split())
    assert "frames Number of frames of a video, and their rate." in shown
    done = run(scratch, MAIN, "frames", "nowhere.avi")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("edgeecho: nowhere.avi: no such file")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_first_change_of_the_contributing_page(scratch: Path) -> None:
    page = read(ROOT / "CONTRIBUTING.md")
    (test,) = python_blocks(textwrap.dedent("\n".join(
        line.removeprefix("    ") for line in page.splitlines()
    )))  # fmt: skip
    (words,) = re.findall(r'`git grep -n "(.*?)"` shows this page and one line', page)
    files = [file for file in (scratch / "edgeecho").rglob("*.py") if words in read(file)]
    assert [file.relative_to(scratch).as_posix() for file in files] == ["edgeecho/trust/gates.py"]
    around = read(ROOT / "tests" / "trust" / "test_thresholds.py")
    (name,) = re.findall(r"^def (test_\w+)", test, re.MULTILINE)
    (chosen,) = re.findall(r'make test ARGS="tests/trust -k (\w+)"`', page)
    assert chosen in name
    assert chosen not in around

    def passes() -> bool:
        done = run(scratch, f"{around}\n\n{test}\n\n{name}()")
        assert done.returncode == 0 or "AssertionError" in done.stderr, done.stderr
        return done.returncode == 0

    assert not passes()
    (changed,) = re.findall(r"in `_no_period`, write `(.*?)`", page)
    before, after = read(files[0]).split(words)
    assert "def _no_period" in before.split("\n\n\n")[-1]
    files[0].write_text(f"{before}hold the probe still {changed}{after}")
    assert passes()


def test_an_engine_is_the_one_that_a_test_installs() -> None:
    (code,) = python_blocks(recipe("engine"))
    folder = ROOT / "tests" / "support" / "abacus"
    assert code in read(folder / "abacus.py")
    (entry,) = re.findall(r"^```toml\n(.*?)^```$", recipe("engine"), re.M | re.DOTALL)
    assert entry in read(folder / "pyproject.toml")


def test_a_precision_is_the_one_that_a_test_adds() -> None:
    row, made = python_blocks(recipe("precision"))
    test = read(ROOT / "tests" / "export" / "test_precisions_cli.py")
    assert made in test
    (value,) = re.findall(r'"again": (Precision\(.*\)),', row)
    assert f"row = {value}\n" in test
