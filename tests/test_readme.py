"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^(?:    |\$ |    \$ )(edgeecho [^\n]+)$", README, re.MULTILINE)


def section(title: str) -> str:
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_command_and_option_exists(edgeecho: Any, command: str) -> None:
    name, *arguments = shlex.split(command, comments=True)[1:]
    words = [name, arguments[0]] if name == "calibrate" else [name]  # it has commands of its own
    shown = edgeecho(*words, "--help")
    assert shown.returncode == 0
    for option in (a for a in arguments if a.startswith("--")):
        assert f"{option} " in shown.stdout, option


def test_the_way_from_data_to_a_device_runs_as_written(tmp_path: Path) -> None:
    lines = re.findall(r"^    (edgeecho (?:phantom|train|export|infer|bench) .*)$",
                       section("From data to a device"), re.MULTILINE)  # fmt: skip
    chain = [shlex.split(line)[1:] for line in lines[:5]]
    assert [words[0] for words in chain] == ["phantom", "train", "export", "infer", "bench"]
    for words in chain:
        done = subprocess.run(
            [sys.executable, "-c", "from edgeecho.cli.app import main; main()", *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{words}\n{done.stderr}"
    assert done.stdout.splitlines()[-1] == "Research use only, not for diagnosis."


def test_every_file_it_links_to_exists() -> None:
    root = Path(__file__).parents[1]
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert targets
    assert [t for t in targets if not (root / t).exists()] == []


def test_no_placeholder_is_left() -> None:
    assert "<!--" not in README
