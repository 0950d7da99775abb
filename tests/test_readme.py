"""What the README tells people to type works."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DEVICE = (ROOT / "docs" / "device.md").read_text(encoding="utf-8")
EVALUATION = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
COMMANDS = re.findall(
    r"^(?:    |\$ |    \$ )(edgeecho [^\n]+)$",
    "\n".join([README, DEVICE, EVALUATION]),
    re.MULTILINE,
)


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
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
        assert [t for t in targets if not (page.parent / t).exists()] == [], page


def test_every_heading_it_links_to_exists() -> None:
    for text, page in ((README, README), (DEVICE, DEVICE), (DEVICE, README)):
        own = page is text
        anchors = re.findall(r"\]\(#([^)]+)\)" if own else r"README\.md#([^)]+)\)", text)
        titles = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
        known = {re.sub(r"[^a-z0-9 -]", "", t.lower()).replace(" ", "-") for t in titles}
        assert set(anchors) <= known


def test_the_device_guide_names_engines_and_files_as_they_are() -> None:
    from edgeecho.engines import OURS

    named = set(re.findall(r"--engine ([a-z-]+)", DEVICE)) | {"openvino"}
    assert named <= {entry.name for entry in OURS} | {"auto"}
    assert {"tensorrt", "tensorrt-rtx", "onnxruntime-cuda"} <= named
    for extra in set(re.findall(r"\.whl\[([a-z-]+)\]", DEVICE)):
        assert f"\n{extra} = [" in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    wheel = f"edgeecho-{version('edgeecho')}-py3-none-any.whl"
    assert set(re.findall(r"edgeecho-[\w.]+-py3-none-any\.whl", DEVICE)) == {wheel}


def test_no_placeholder_is_left() -> None:
    assert "<!--" not in README
