"""Measuring once how many threads are fastest, and what remembers it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.cpu import usable_cores
from edgeecho.engines.openvino.engine import machine_of
from edgeecho.engines.openvino.threads import recall_threads, remember_threads
from edgeecho.inference import load_model
from edgeecho.tools.bench.tune import candidates, choose


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """This machine, with a cache of its own."""
    monkeypatch.setenv("EDGEECHO_CACHE", str(tmp_path / "cache"))
    return machine_of()


def test_the_candidates_are_the_default_all_cores_and_halves_of_them() -> None:
    assert candidates(2, 2) == (1, 2)
    assert candidates(1, 1) == (1,)
    assert candidates(6, 12) == (1, 3, 6, 12)
    assert candidates(4, 7) == (1, 3, 4, 7)


def test_the_default_goes_only_for_one_that_is_faster_beyond_doubt() -> None:
    steady = [10.0, 10.1, 9.9, 10.0]
    assert choose({2: steady, 4: [8.0, 8.1, 7.9, 8.0], 1: [6.0, 6.1, 5.9, 6.0]}, 2).chosen == 1
    assert choose({2: steady, 4: [5.0, 18.0, 6.0, 9.0]}, 2).chosen == 0, "in the mean it is faster"
    assert choose({2: steady, 4: [12.0] * 4}, 2).chosen == 0
    found = choose({8: [12.0] * 4, 2: steady}, 2)
    assert [t.threads for t in found.tried] == [2, 8]
    assert found.tried[1].against_default.value == pytest.approx(1.2, abs=0.01)


@pytest.mark.slow
def test_what_is_remembered_is_what_later_models_take(machine: dict[str, Any]) -> None:
    default = load_model(engine="openvino").engine.facts.threads
    remember_threads(machine, "fp32", 1)
    assert load_model(engine="openvino").engine.facts.threads == 1
    asked = load_model(engine="openvino", threads=usable_cores()).engine.facts.threads
    assert asked == usable_cores(), "--threads goes before it"
    assert recall_threads(machine, "int8") == 0, "another precision was not measured"
    assert recall_threads({**machine, "cores": 99}, "fp32") == 0, "nor was another machine"
    remember_threads(machine, "fp32", 0)
    assert load_model(engine="openvino").engine.facts.threads == default


@pytest.mark.slow
def test_the_command_measures_says_and_remembers(edgeecho: Any, machine: dict[str, Any]) -> None:
    done = edgeecho("tune", "--runs", 4)
    assert done.returncode == 0, done.stderr
    rows = re.findall(r"^ +(\d+) +([\d.]+)   (.+)$", done.stdout, re.MULTILINE)
    assert {int(row[0]) for row in rows} >= {1, usable_cores()}
    assert sum(row[2] == "its own choice" for row in rows) == 1
    kept = re.search(r"remembered for fp32 on this machine: (?:(\d+) threads|the)", done.stdout)
    assert kept
    assert recall_threads(machine, "fp32") == int(kept[1] or 0)
    assert "not for diagnosis" in done.stdout


def test_without_a_cache_there_is_nothing_to_remember_in(edgeecho: Any) -> None:
    done = edgeecho("tune")
    assert done.returncode == 2
    assert "EDGEECHO_CACHE is off" in done.stderr
