"""`bench` of an engine with memory of its own, on an emulated GPU. No test asserts a time."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

pytest.importorskip("onnx")

from emulate import emulate, put_engine
from fake_cuda import FakeGPU
from tiny import tiny_bundle

from edgeecho.tools.bench.advice import advise
from edgeecho.tools.bench.device.calls import DeviceCalls
from edgeecho.tools.bench.document import from_dict, to_dict
from edgeecho.tools.bench.measure import Request, measure
from edgeecho.tools.bench.page import to_html
from edgeecho.tools.bench.run import BenchRun
from edgeecho.tools.bench.subject import Subject
from edgeecho.tools.bench.text import to_text

NOW = datetime(2026, 11, 27, tzinfo=timezone.utc)
SMI = """#!/bin/sh
echo "$@" > {asked}
while true; do
  echo "4000, 8192, 55, 1300, 1500, 2000, 60, 14.5, 15.00, 0x0000000000000004"
  sleep 0.01
done
"""
TEGRASTATS = """#!/bin/sh
while true; do
  echo "RAM 779/7620MB (lfb 2x4MB) GR3D_FREQ 55% gpu@50.5C VDD_IN 6626mW/6625mW"
  sleep 0.01
done
"""


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    gpu = emulate(monkeypatch, "10.3")
    yield gpu
    assert gpu.misuses == []


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def add(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text.format(asked=folder / "asked"))
    (folder / name).chmod(0o755)


def run_of(video: Path, bundle: Path, *engines: str, clips: str = "stride:20") -> BenchRun:
    subjects = tuple(Subject(engine, "fp16", 3) for engine in engines)
    return measure(
        Request("single", (video,), bundle, subjects, clips, None, 12, 1, 0, 1),
        lambda line: None,
    )


@pytest.fixture
def bundle(tmp_path: Path, gpu: FakeGPU) -> Path:
    folder = tiny_bundle(tmp_path / "bundle")
    put_engine(folder, gpu)
    return folder


def test_calls_are_divided_as_trtexec_divides_them(
    video: Path, bundle: Path, programs: Path
) -> None:
    run = run_of(video, bundle, "tensorrt", "tensorrt-graph", "onnxruntime")
    first, graph, cpu = run.series
    assert cpu.device is None
    for series in (first, graph):
        calls = series.device
        assert calls is not None
        assert (calls.clock, calls.batch) == ("CUDA events", 3)
        # The emulated GPU takes a millisecond for a copy, and for the network.
        assert calls.samples_ms["H2D Latency"] == (1,) * 12
        assert calls.samples_ms["GPU Compute Time"] == (1,) * 12
        assert calls.samples_ms["D2H Latency"] == (2,) * 12
        assert calls.samples_ms["Latency"] == (4,) * 12
        assert all(ms > 0 for ms in calls.samples_ms["Enqueue Time"])
        assert calls.throughput_qps == 12 / calls.wall_s
    text = to_text(run)
    assert "Calls of tensorrt:fp16:batch3 alone, 3 clips each, by CUDA events: " in text
    assert max(map(len, text.splitlines())) <= 80
    lines = [line.split() for line in text.splitlines()]
    for name, mean in (("H2D Latency", 1), ("GPU Compute Time", 1), ("D2H Latency", 2)):
        cells = [*name.split(), "12", f"{mean}.000", f"{mean}.000", f"{mean}.000"]
        assert lines.count([*cells, "n<20", "n<100", f"{mean}.000"]) == 2
    page = to_html(run, NOW)
    assert page.count('<th scope="row">Enqueue Time</th>') == 2
    found = to_dict(run)["computed"]["device"]
    assert list(found) == ["tensorrt:fp16:batch3", "tensorrt-graph:fp16:batch3"]
    assert found["tensorrt:fp16:batch3"]["Latency"]["mean_ms"] == 4
    assert from_dict(json.loads(json.dumps(to_dict(run)))) == run


def test_a_call_has_no_more_clips_than_an_answer(video: Path, bundle: Path) -> None:
    (series,) = run_of(video, bundle, "tensorrt", clips="center").series
    assert series.device is not None
    assert series.device.batch == 1


def test_nvidia_smi_runs_meanwhile_for_this_gpu_alone_and_ends(
    video: Path, bundle: Path, programs: Path
) -> None:
    add(programs, "nvidia-smi", SMI)
    run = run_of(video, bundle, "tensorrt")
    assert run.watched is not None
    assert run.watched.monitor == "nvidia-smi"
    assert run.watched.readings > 0
    assert (
        (programs / "asked").read_text().startswith("-i 00000000:3b:00.0 --query-gpu=memory.used")
    )
    for shown in (to_text(run), to_html(run, NOW)):
        words = " ".join(shown.split())
        assert "clocks lowered by sw_power_cap in 100 % of them" in words
        assert "power.draw, W" in words
    assert any("the GPU lowered its clocks (sw_power_cap)" in line for line in advise(run))
    assert from_dict(json.loads(json.dumps(to_dict(run)))) == run
    assert not running(programs / "nvidia-smi")


def running(program: Path) -> bool:
    words = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return str(program) in words


def test_on_a_jetson_tegrastats_is_read(video: Path, bundle: Path, programs: Path) -> None:
    add(programs, "nvidia-smi", SMI)
    add(programs, "tegrastats", TEGRASTATS)
    run = run_of(video, bundle, "tensorrt")
    assert run.watched is not None
    assert run.watched.monitor == "tegrastats"
    assert not (programs / "asked").exists()
    lines = [line.split() for line in to_text(run).splitlines()]
    assert ["VDD_IN,", "mW", "6626", "6626", "6626"] in lines
    assert ["RAM,", "MB", "779", "779", "779"] in lines


def test_nothing_is_watched_for_the_cpu(video: Path, bundle: Path, programs: Path) -> None:
    add(programs, "nvidia-smi", SMI)
    run = run_of(video, bundle, "onnxruntime")
    assert run.watched is None
    assert not (programs / "asked").exists()
    assert "On the GPU" not in to_html(run, NOW)


def test_a_monitor_that_fails_stops_nothing_and_is_quoted(
    video: Path, bundle: Path, programs: Path
) -> None:
    add(programs, "nvidia-smi", "#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    run = run_of(video, bundle, "tensorrt")
    words = " ".join(to_text(run).split())
    assert "by nvidia-smi, 0 readings; it also said: NVIDIA-SMI has failed" in words


def test_launches_that_take_longer_than_the_network_are_named(video: Path, bundle: Path) -> None:
    run = run_of(video, bundle, "tensorrt")
    for enqueue, named in ((0.5, False), (1.5, True)):
        samples = {"Latency": (4.0,), "GPU Compute Time": (1.0,), "Enqueue Time": (enqueue,)}
        series = replace(run.series[0], device=DeviceCalls("CUDA events", 1, samples, 1.0))
        found = [
            line for line in advise(replace(run, series=(series,))) if "tensorrt-graph" in line
        ]
        assert bool(found) is named
