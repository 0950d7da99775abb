"""A gate that closes when a run is slower beyond doubt, and stays open for what is only noise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Gate = Callable[..., Any]


@pytest.fixture
def kept(edgeecho: Any, video: Path, tiny_model: Path, tmp_path: Path) -> Path:
    """A real run, kept."""
    file = tmp_path / "kept.json"
    done = edgeecho("bench", video, "--model", tiny_model, "--runs", 8, "--cold-starts", 0,
                    "--out", file)  # fmt: skip
    assert done.returncode == 0
    return file


@pytest.fixture
def gate(edgeecho: Any, video: Path, tiny_model: Path, kept: Path) -> Gate:
    """`gate(faster, ...)`: as if the kept run had been `faster` times as fast."""

    def run(faster: float, *words: object) -> Any:
        document = json.loads(kept.read_text())
        for series in document["run"]["series"]:
            series["samples_ms"] = {
                stage: [ms / faster for ms in samples]
                for stage, samples in series["samples_ms"].items()
            }
        kept.write_text(json.dumps(document))
        return edgeecho("bench", video, "--model", tiny_model, "--runs", 8, "--cold-starts", 0,
                        "--baseline", kept, *words)  # fmt: skip

    return run


def test_ten_times_as_long_is_exit_6(gate: Gate) -> None:
    done = gate(10)
    assert done.returncode == 6
    assert done.stdout.endswith("not for diagnosis.\n")  # the report comes all the same
    assert "openvino:fp32 takes" in done.stderr
    assert "in the baseline, allowed 1.1" in done.stderr


def test_faster_passes(gate: Gate) -> None:
    done = gate(0.1)
    assert done.returncode == 0
    assert "times as long as before" in done.stderr


def test_what_may_be_slower_is_said(gate: Gate) -> None:
    assert gate(10, "--slower-by", 100_000).returncode == 0


def test_only_what_is_the_same_is_compared(gate: Gate) -> None:
    done = gate(1, "--clips", "all")
    assert done.returncode == 2
    assert "the baseline has clips center, this run all" in done.stderr


def test_other_subjects_are_no_baseline(gate: Gate, kept: Path) -> None:
    kept.write_text(kept.read_text().replace("openvino:fp32", "openvino:int8"))
    done = gate(1)
    assert done.returncode == 2
    assert "openvino:int8" in done.stderr


def test_a_single_run_cannot_be_judged(gate: Gate) -> None:
    done = gate(1, "--runs", 1)
    assert done.returncode == 2
    assert "take more --runs" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no.json is not what `edgeecho bench --json` writes"),
        ("{}", "no.json is not what"),
        ("[]", "no.json is not what"),
        ('{"schema": "edgeecho-bench-1"}', "no.json is not what"),
        ('{"schema": "edgeecho-bench-2"}', "no.json is edgeecho-bench-2, not edgeecho-bench-1"),
    ],
)
def test_what_is_no_baseline_costs_no_measurement(
    edgeecho: Any, video: Path, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "no.json"
    file.write_text(text)
    done = edgeecho("bench", video, "--baseline", file)
    assert (done.returncode, done.stdout) == (3, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
