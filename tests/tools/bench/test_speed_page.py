"""docs/speed.md holds what was measured, and its tables are made of it."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def speed_page() -> ModuleType:
    spec = importlib.util.spec_from_file_location("speed_page", BENCHMARKS / "speed_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def document() -> dict[str, Any]:
    value: dict[str, Any] = json.loads((BENCHMARKS / "results" / "peers.json").read_text())
    return value


def test_the_page_is_what_the_measurement_gives(speed_page: Any, document: dict[str, Any]) -> None:
    page = speed_page.PAGE.read_text(encoding="utf-8")
    assert speed_page.fill(page, document) == page, "run: python benchmarks/speed_page.py"


@pytest.mark.slow
def test_another_measurement_gives_another_page(speed_page: Any, document: dict[str, Any]) -> None:
    other = copy.deepcopy(document)
    other["scenarios"]["single"]["peers"][-1]["total_ms"][0] *= 2
    assert speed_page.tables(other) != speed_page.tables(document)


def test_ratios_are_of_rounds(speed_page: Any, document: dict[str, Any]) -> None:
    peers = [
        {"name": "PyTorch eager", "precision": "fp32", "largest_difference": 0.0,
         "total_ms": [300.0, 600.0, 150.0]},
        {"name": "edgeecho", "precision": "int8", "largest_difference": 0.25,
         "total_ms": [100.0, 200.0, 50.0]},
    ]  # fmt: skip
    single = {**document["scenarios"]["single"], "peers": peers, "not_run": {"this": "no compiler"}}
    text = speed_page.tables({**document, "scenarios": {"single": single}})
    assert "| edgeecho | int8 | 100 | 3.00 (3.00 to 3.00) | 0.25 |" in text
    assert "this did not run: no compiler" in text
    assert "benchmark_app" not in text


def test_no_path_and_no_host_was_kept(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert not re.search(r'"/|/tmp|/home|/root|/work', text)


def test_the_commands_that_the_page_names_exist(edgeecho: Any, speed_page: Any) -> None:
    page = speed_page.PAGE.read_text(encoding="utf-8")
    commands = re.findall(r"^    (edgeecho bench .+)$", page, re.MULTILINE)
    assert len(commands) == 5
    shown = edgeecho("bench", "--help").stdout
    for option in re.findall(r"--[a-z-]+", shlex.join(commands)):
        assert f"{option} " in shown
