"""`edgeecho bench` on a real model and a real video. No test asserts a time."""

from __future__ import annotations

import json
import math
import platform
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeecho import RESEARCH_USE
from edgeecho.files import sha256_file

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(edgeecho: Any) -> Cli:
    """`bench(video, ...) -> exit code, stdout, stderr`."""

    def run(*words: object) -> tuple[int, str, str]:
        done = edgeecho("bench", *words)
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.fixture
def document(bench: Cli, video: Path, tiny_model: Path) -> dict[str, Any]:
    code, out, _ = bench(
        video, "--model", tiny_model, "--engine", "onnxruntime", "--threads", 1,
        "--clips", "stride:3", "--runs", 12, "--warmup", 1, "--cold-starts", 2, "--json",
    )  # fmt: skip
    assert code == 0
    value: dict[str, Any] = json.loads(out)
    return value


def test_json_holds_every_sample_and_the_table_agrees(document: dict[str, Any]) -> None:
    stages = document["warm"]["stages"]
    assert list(stages) == ["decode", "preprocess", "engine", "total"]
    for stage in stages.values():
        samples = stage["samples_ms"]
        assert len(samples) == stage["n"] == document["warm"]["runs"] == 12
        assert stage["mean_ms"] * 12 == pytest.approx(math.fsum(samples))
        assert stage["max_ms"] == max(samples)
        assert stage["p90_ms"] is not None
        assert stage["p95_ms"] is None
        assert stage["p99_ms"] is None
        assert stage["needed_n"] == {"p95": 20, "p99": 100}
    parts = zip(*(stages[n]["samples_ms"] for n in ("decode", "preprocess", "engine")), strict=True)
    for total, part in zip(stages["total"]["samples_ms"], parts, strict=True):
        assert total >= math.fsum(part)


def test_json_says_what_was_measured(document: dict[str, Any], tiny_model: Path) -> None:
    assert document["schema"] == "edgeecho-bench-1"
    assert document["research_use"] == RESEARCH_USE
    model = document["model"]
    assert (model["name"], model["version"], model["precision"]) == ("tiny", "1.2.3", "fp32")
    assert model["sha256"] == sha256_file(tiny_model)
    assert document["engine"]["name"] == "onnxruntime"
    assert document["engine"]["threads"] == 1
    assert document["video"] == {"name": "beat.avi", "frames": 70}
    assert document["clips"] == {"mode": "stride:3", "per_video": 3}
    assert document["environment"]["python"] == platform.python_version()
    assert len(document["cold_start"]["runs"]) == 2
    assert "bench process" in document["memory"]["includes"]


def test_throughput_is_runs_over_summed_time(document: dict[str, Any]) -> None:
    stages, rate = document["warm"]["stages"], document["throughput"]
    total_s = math.fsum(stages["total"]["samples_ms"]) / 1e3
    engine_s = math.fsum(stages["engine"]["samples_ms"]) / 1e3
    assert rate["videos_per_s"] == pytest.approx(12 / total_s)
    assert rate["clips_per_s"] == pytest.approx(36 / total_s)
    assert rate["engine_clips_per_s"] == pytest.approx(36 / engine_s)


def test_no_folder_and_no_host_in_the_report(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    assert "jane-doe" not in text
    assert str(Path.home()) not in text
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)


def test_text_report(bench: Cli, video: Path, tiny_model: Path) -> None:
    code, out, err = bench(
        video, "--model", tiny_model, "--runs", 2, "--warmup", 0, "--cold-starts", 1
    )

    assert code == 0
    lines = out.splitlines()
    assert lines[-1] == RESEARCH_USE
    assert max(map(len, lines)) <= 80
    for stage in ("decode", "preprocess", "engine", "total"):
        (row,) = [line for line in lines if line.startswith(f"  {stage} ")]
        assert row.split()[1] == "2"
        assert row.split()[4:7] == ["n<10", "n<20", "n<100"]
    assert "process start to answer" in out
    assert "…" not in out
    assert "jane-doe" not in out
    assert "2 warm runs" in err  # words go to stderr


def test_cold_starts_can_be_left_out(bench: Cli, video: Path, tiny_model: Path) -> None:
    code, out, _ = bench(
        video, "--model", tiny_model, "--runs", 1, "--warmup", 0, "--cold-starts", 0
    )
    assert code == 0
    assert "Cold start: not measured" in out


@pytest.mark.parametrize("option", [("--runs", 0), ("--warmup", -1), ("--threads", -1)])
def test_numbers_out_of_range_are_usage_errors(
    bench: Cli, video: Path, option: tuple[str, int]
) -> None:
    code, out, err = bench(video, *option)
    assert (code, out) == (2, "")
    assert option[0] in err


def test_unknown_clip_mode_is_a_usage_error(bench: Cli, video: Path) -> None:
    code, out, err = bench(video, "--clips", "every")
    assert (code, out) == (2, "")
    assert "every" in err


def test_unknown_engine(bench: Cli, video: Path, tiny_model: Path) -> None:
    code, out, err = bench(video, "--model", tiny_model, "--engine", "abacus")
    assert (code, out) == (4, "")
    assert "abacus" in err
    assert "openvino" in err


def test_missing_video(bench: Cli, video: Path, tiny_model: Path) -> None:
    code, out, err = bench(video.with_name("gone.avi"), "--model", tiny_model)
    assert (code, out) == (3, "")
    assert "edgeecho: gone.avi: no such file" in err


def test_the_packaged_example_is_the_default(bench: Cli, tiny_model: Path) -> None:
    code, out, _ = bench(
        "--model", tiny_model, "--runs", 1, "--warmup", 0, "--cold-starts", 0, "--json"
    )
    assert code == 0
    assert json.loads(out)["video"] == {"name": "example.avi", "frames": 100}
