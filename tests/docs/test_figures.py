"""The pictures are what the code says."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from pages import DOCS, ROOT, read

from edgeecho.report.formats import FORMATS

sys.path.insert(0, str(DOCS / "tools"))
import figures


@pytest.mark.parametrize("name", ["architecture.svg", "pipeline.svg"])
def test_the_committed_picture_is_what_the_script_makes(name: str) -> None:
    text = figures.figures()[name]
    assert read(DOCS / name) == text, "run: python docs/tools/figures.py"
    ET.fromstring(text)


def words(text: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(text).iter() if element.text]


def test_the_layers_are_those_of_the_contract() -> None:
    shown = words(figures.architecture())
    packages = [path.parent.name for path in (ROOT / "edgeecho").glob("*/__init__.py")]
    stages = ["export", "calibration", "train"]
    assert sorted(word for word in shown if word in {*packages, *stages}) == sorted(
        [*packages, *stages]
    )
    places = [shown.index(name) for name in ("export", "train", "cli", "report", "cine", "common")]
    assert places == sorted(places)


def test_another_contract_gives_another_picture(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = figures.architecture()
    project = read(ROOT / "pyproject.toml")
    changed = project.replace('    "results",\n', "").replace(
        '    "common",\n]', '    "common",\n    "results",\n]'
    )
    assert changed != project
    (tmp_path / "pyproject.toml").write_text(changed)
    for name in ("edgeecho", "train", "export", "calibration"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    shown = words(figures.architecture())
    assert shown.index("results") > shown.index("common")
    assert figures.architecture() != before


def test_the_pipeline_names_commands_that_exist_and_every_format(edgeecho: Any) -> None:
    shown = words(figures.pipeline())
    help_text = edgeecho("--help").stdout
    commands = re.findall(r"edgeecho ([a-z]+(?: · [a-z]+)*)", " | ".join(shown))
    named = {name for found in commands for name in found.split(" · ")}
    assert named >= {"train", "export", "calibrate", "infer"}
    for name in named:
        assert f" {name} " in help_text
    first = next(place for place, word in enumerate(shown) if word.startswith("text · "))
    forms = " · ".join(shown[first : first + 2])
    assert [name.lower() for name in forms.split(" · ")] == list(FORMATS)
    # About six units a letter: no wider than the box of the device.
    assert max(map(len, shown[first : first + 2])) * 6 < 264
    for option in re.findall(r"--[a-z0-9]+", " ".join(shown)):
        assert f"{option} " in edgeecho("export", "--help").stdout
    assert "not yet" not in " ".join(shown)
