"""The README: an index of at most 150 lines, in which every number and picture has its origin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from pages import DOCS, ROOT, is_part_of, kept, outputs, python_blocks, read, section, without_code

from edgeecho.bundle import DEMO, EXAMPLE, read_manifest
from edgeecho.common import errors

README = read(ROOT / "README.md")
NAMES = ("r2plus1d_18", "x86-64", "arm64", "INT8", "FP32", "Apache-2.0")
"""Names with a digit, which are no numbers."""


@cache
def project() -> str:
    return read(ROOT / "pyproject.toml")


@cache
def spoken(path: str) -> str:
    """A page as one line."""
    return " ".join(read(ROOT / path).split())


def recorded(what: str) -> float:
    """What the manifest records of the phantoms of seed 103 in the mode that `infer` takes."""
    (entry,) = [
        entry
        for entry in read_manifest(DEMO).evaluation
        if (entry["clips"], entry["n"], entry["precision"]) == ("stride:16", 300, "int8")
        and "seed 103," in entry["data"]
    ]
    return float(entry[what])


def fast(scenario: str, program: str) -> str:
    """A row of docs/speed.md in INT8, which another test holds to benchmarks/results/peers.json."""
    table = read(DOCS / "speed.md").split(f"\n## {scenario}\n")[1].split("\n## ")[0]
    (row,) = re.findall(rf"^\| {program} \| int8 \|.*$", table, re.MULTILINE)
    return row


def eager(scenario: str) -> str:
    table = read(DOCS / "speed.md").split(f"\n## {scenario}\n")[1]
    (row,) = re.findall(r"^\| PyTorch eager \| fp32 \|.*$", table.split("\n## ")[0], re.MULTILINE)
    return row


def inside_mb(folder: Path) -> int:
    return round((folder / "int8.onnx").stat().st_size / 1e6)


NUMBERS: dict[str, Callable[[], bool]] = {
    "Python 3.10 or newer": lambda: 'requires-python = ">=3.10"' in project(),
    "8.4 times as fast as PyTorch": lambda: "| 8.40 (" in fast("One clip", "edgeecho"),
    "two CPU cores": lambda: "2 cores, 2 threads for everyone" in spoken("docs/speed.md"),
    "all 114 clips of a video": lambda: "EFs of all its 114 clips" in spoken("docs/speed.md"),
    "6.5 s instead of": lambda: "| 6.5 |" in fast("All clips of a video", "edgeecho, sharing"),
    "150 s": lambda: "| 150 |" in eager("All clips of a video"),
    "INT8 in 32 MB": lambda: inside_mb(DEMO) == 32,
    "3.23 EF points (MAE) on 300": lambda: f"{recorded('mae'):.2f}" == "3.23",
    "17.20": lambda: f"{recorded('mae_of_mean'):.2f}" == "17.20",
    "run on Python 3.11; the runtime is also tested on 3.10, 3.12 and 3.13": lambda: (
        "on Python 3.11" in spoken("constraints.txt")
        and 'PYTHONS = ["3.10", "3.12", "3.13"]' in spoken("noxfile.py")
        and "make pythons" in spoken(".ci/run")
    ),
}
"""Every number of the README's sentences, with what it is held to."""


def words() -> str:
    """Its sentences, without the table of exit codes and without targets of links."""
    text = re.sub(r"^\| \d \|.*$", "", README, flags=re.MULTILINE)
    return " ".join(re.sub(r"\]\([^)]*\)", "]", without_code(text)).split())


@pytest.mark.parametrize("phrase", NUMBERS)
def test_a_number_is_what_it_is_held_to(phrase: str) -> None:
    assert phrase in words()
    assert NUMBERS[phrase]()


def test_there_is_no_other_number() -> None:
    text = words()
    for phrase in (*NUMBERS, *NAMES):
        text = text.replace(phrase, "")
    assert re.findall(r"\S*\d\S*", text) == []


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_its_picture_is_made_of_what_it_shows() -> None:
    # tests/docs/test_figures.py holds that file to the code.
    assert re.findall(r"!\[[^]]*\]\(([^)]*)\)", README) == ["docs/pipeline.svg"]


def test_what_commands_print_is_what_was_kept() -> None:
    shown = list(outputs(README))
    assert [command.split()[1] for command, _ in shown] == ["infer", "bench", "export"]
    for command, lines in shown:
        assert is_part_of(lines, kept(command)), command


def test_the_exit_codes_are_those_of_the_errors() -> None:
    rows = dict(re.findall(r"^\| (\d) \| (.*) \|$", README, re.MULTILINE))
    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    codes = {value.exit_code for value in classes if value is not errors.EdgeEchoError}
    assert set(map(int, rows)) == {0, *codes, errors.REFUSED_EXIT_CODE}
    assert rows == dict(re.findall(r"^\| (\d) \| (.*) \|$", read(DOCS / "commands.md"), re.M))
    assert "a gate refused" in rows["5"]


@pytest.mark.slow
def test_the_lines_of_python_answer_a_video(tmp_path: Path) -> None:
    (code,) = python_blocks(section(README, "Python"))
    assert code in python_blocks(read(DOCS / "api.md"))
    shutil.copyfile(EXAMPLE, tmp_path / "video.avi")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert re.match(r"refused: \w|\d\d\.\d+ (None|Interval\()", done.stdout)


def test_its_commands_of_make_exist() -> None:
    named = set(re.findall(r"make ([a-z0-9-]+)", README))
    assert {"demo", "test", "docs"} <= named
    assert named <= set(re.findall(r"^([a-z0-9-]+):", read(ROOT / "Makefile"), re.MULTILINE))


@pytest.mark.slow
def test_the_demo_runs_as_shown() -> None:
    """The first command of the README, with the model of the package, up to time and machine."""
    command, lines = next(outputs(README))
    environment = {k: v for k, v in os.environ.items() if k != "EDGEECHO_MODEL"}
    done = subprocess.run(
        [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *command.split()[1:]],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = done.stdout.splitlines()
    # INT8 rounds otherwise on other CPUs.
    numbers = [re.findall(r"\d+\.\d", line[0]) for line in (lines, found)]
    for shown, now in zip(*numbers, strict=True):
        assert float(now) == pytest.approx(float(shown), abs=0.5)
    assert found[0].split()[0] == lines[0].split()[0]
    assert found[1].split(";")[0] == lines[1].split(";")[0]
    assert (found[2], found[-1]) == (lines[2], lines[-1])


def test_it_says_what_it_is_for() -> None:
    first = README.split("\n## ")[0]
    assert "**Research use only, not for diagnosis.**" in first
    assert "<!--" not in README
