"""`edgeecho bench` on a real model and a real video. No test asserts a time."""

from __future__ import annotations

import copy
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
from edgeecho.common.files import sha256_file
from edgeecho.tools.bench.document import from_dict, to_dict

pytestmark = pytest.mark.slow

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
    (series,) = document["run"]["series"]
    samples = series["samples_ms"]
    assert list(samples) == ["read", "preprocess", "engine", "decide", "total"]
    for stage, found in document["computed"]["stages"]["onnxruntime:fp32"].items():
        assert len(samples[stage]) == found["n"] == 12
        assert found["mean_ms"] * 12 == pytest.approx(math.fsum(samples[stage]))
        assert found["max_ms"] == max(samples[stage])
        assert found["p90_ms"] is not None
        assert found["p95_ms"] is None
        assert found["p99_ms"] is None
        assert found["needed_n"] == {"p95": 20, "p99": 100}
    stages = [samples[name] for name in list(samples)[:-1]]
    for total, *parts in zip(samples["total"], *stages, strict=True):
        assert min(parts) > 0
        assert total == pytest.approx(math.fsum(parts))


def test_json_says_what_was_measured(document: dict[str, Any], tiny_model: Path) -> None:
    assert document["schema"] == "edgeecho-bench-1"
    assert document["research_use"] == RESEARCH_USE
    run = document["run"]
    (series,) = run["series"]
    model = series["model"]
    assert (model["name"], model["version"], model["precision"]) == ("tiny", "1.2.3", "fp32")
    assert model["sha256"] == sha256_file(tiny_model)
    assert series["engine"]["name"] == "onnxruntime"
    assert series["engine"]["threads"] == 1
    assert (run["scenario"], run["video"], run["frames"]) == ("single", "beat.avi", 70)
    assert (run["clips"], series["clips"], series["clips_shared"]) == ("stride:3", 3, 0)
    assert run["environment"]["python"] == platform.python_version()
    assert run["threads"]["process"] >= 1
    assert len(series["cold"]) == 2
    assert all(start["peak_rss_mb"] > 0 for start in series["cold"])
    assert "bench process" in document["notes"]["peak_rss_mb"]


def test_throughput_is_runs_over_summed_time(document: dict[str, Any]) -> None:
    (series,) = document["run"]["series"]
    (rate,) = document["computed"]["rates"].values()
    total_s = math.fsum(series["samples_ms"]["total"]) / 1e3
    engine_s = math.fsum(series["samples_ms"]["engine"]) / 1e3
    assert rate["videos_per_s"] == pytest.approx(12 / total_s)
    assert rate["clips_per_s"] == pytest.approx(36 / total_s)
    assert rate["engine_clips_per_s"] == pytest.approx(36 / engine_s)
    assert rate["cores_busy"] == pytest.approx(math.fsum(series["cpu_ms"]) / 1e3 / total_s)


def test_a_document_is_read_back_as_it_was(document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(to_dict(from_dict(document)))) == document
    for name in document["run"]["series"][0]:
        lacking = copy.deepcopy(document)
        del lacking["run"]["series"][0][name]
        with pytest.raises((KeyError, TypeError), match=name):
            from_dict(lacking)


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
    for stage in ("read", "preprocess", "engine", "decide", "total"):
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


@pytest.mark.parametrize(
    "option", [("--runs", 0), ("--warmup", -1), ("--threads", -1), ("--every", 0)]
)
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
    run = json.loads(out)["run"]
    assert (run["video"], run["frames"]) == ("example.avi", 100)
