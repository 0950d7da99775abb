"""`edgeecho build --engine tensorrt` on an emulated GPU; nothing here was built by TensorRT."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

from emulate import VERSIONS, emulate, emulated_environment
from fake_cuda import FakeGPU
from fake_trt import Plan
from tiny import tiny_bundle

from edgeecho.bundle import open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import load_engine
from edgeecho.engines.sidecar import FOLDER
from edgeecho.engines.tensorrt.built import read_engines
from edgeecho_export.targets import network as trt_module
from edgeecho_export.targets import publish as build_module
from edgeecho_export.targets.publish import build_tensorrt

BATCH = (1, 4, 8)


@pytest.fixture(params=VERSIONS)
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    """The build runs in this process: another one would have no emulation."""
    gpu = emulate(monkeypatch, request.param)
    monkeypatch.setattr(build_module, "build_apart", trt_module._build)
    yield gpu
    assert gpu.misuses == []


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


def header(path: Path) -> dict[str, Any]:
    """What the emulated TensorRT was asked for."""
    plan = Plan.from_bytes(path.read_bytes())
    assert plan is not None
    return plan.header


def test_one_way_through_all_versions(bundle: Path, gpu: FakeGPU) -> None:
    built = build_tensorrt(bundle, "fp16", BATCH, workspace_mb=512)
    version = gpu.trt.__version__
    assert built.path.name == f"fp16-tensorrt-{version}-sm87-emulated-orin-8-sm.engine"
    (sidecar,) = read_engines(bundle)[0]
    assert sidecar == built.sidecar
    assert (sidecar.kind, sidecar.version) == ("tensorrt", version)
    assert sidecar.compute_capabilities == ("sm87",)
    assert (sidecar.gpu, sidecar.cuda) == ("emulated Orin (8 SM)", "12.6")
    assert sidecar.layers["convolutions"] == {"Float": ["stem.0"]}
    assert sidecar.layers["count"] == len(sidecar.layers["inspected"]["Layers"]) == 2
    asked = header(built.path)
    assert asked["flags"] == [], "FP32 is not TF32"
    assert asked["verbosity"] == "DETAILED"
    assert asked["workspace"] == 512 << 20
    assert [shape[0] for shape in asked["profile"]["clip"]] == [1, 4, 8]
    # And the engine is one that the runtime takes.
    model = open_model(bundle, precision="fp16")
    clips = np.random.default_rng(0).standard_normal((5, 3, 4, 8, 8)).astype(np.float32)
    found = load_engine("tensorrt", model).run(clips)
    expected = load_engine("onnxruntime", model).run(clips)
    assert np.abs(found.ef - expected.ef).max() < 1e-4
    assert found.embedding.shape == (len(clips), 4)


def test_engines_of_two_precisions_lie_side_by_side(bundle: Path, gpu: FakeGPU) -> None:
    for precision in ("fp32", "fp16", "fp16"):
        build_tensorrt(bundle, precision, BATCH)
    assert [s.precision for s in read_engines(bundle)[0]] == ["fp16", "fp32"]


def test_timing_cache_is_read_and_written(bundle: Path, gpu: FakeGPU, tmp_path: Path) -> None:
    cache = tmp_path / "caches" / "orin.cache"
    build_tensorrt(bundle, "fp16", BATCH, timing_cache=cache)
    first = cache.read_bytes()
    assert first == b"EMULATED CACHE emulated Orin"
    build_tensorrt(bundle, "fp32", BATCH, timing_cache=cache)
    assert cache.read_bytes() == first


@pytest.mark.parametrize("content", [b"EMULATED CACHE another GPU", b"damaged"])
def test_timing_cache_of_another_gpu_is_refused_and_kept(
    content: bytes, bundle: Path, gpu: FakeGPU, tmp_path: Path
) -> None:
    cache = tmp_path / "orin.cache"
    cache.write_bytes(content)
    with pytest.raises(EngineError, match=r"cannot build fp16\.onnx: the timing cache is dam"):
        build_tensorrt(bundle, "fp16", BATCH, timing_cache=cache)
    assert cache.read_bytes() == content
    assert not (bundle / FOLDER).exists()


def test_workspace_that_is_not_there_is_refused(bundle: Path, gpu: FakeGPU) -> None:
    with pytest.raises(EngineError, match="a workspace of 9000 MB was refused"):
        build_tensorrt(bundle, "fp16", BATCH, workspace_mb=9000)


def test_without_a_gpu_tensorrt_is_not_touched(
    edgeecho: Any, bundle: Path, gpu: FakeGPU, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu.driver = False
    monkeypatch.delitem(sys.modules, "tensorrt")
    done = edgeecho("build", bundle, "--engine", "tensorrt")
    assert done.returncode == 4
    assert "there is no NVIDIA driver" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "tensorrt" not in sys.modules


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--engine", "tensorrt", "--compute-capability", "sm87"], "builds for the GPU here"),
        (["--engine", "tensorrt-rtx", "--workspace-mb", "5"], "are of --engine tensorrt"),
        (["--engine", "tensorrt-rtx", "--timing-cache", "f"], "are of --engine tensorrt"),
    ],
)
def test_options_of_the_other_builder_are_a_usage_error(
    edgeecho: Any, options: list[str], says: str, bundle: Path
) -> None:
    done = edgeecho("build", bundle, *options)
    assert done.returncode == 2
    assert says in done.stderr


@pytest.mark.slow
def test_commands_from_build_to_verify(narrow_bundle: Path, tmp_path: Path) -> None:
    """Whole processes, the builder's own among them, on a real network."""
    import shutil

    bundle = Path(shutil.copytree(narrow_bundle, tmp_path / "bundle"))

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        code = "from edgeecho.cli.app import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, words)],
            capture_output=True,
            text=True,
            env=emulated_environment("11.4"),
        )

    built = run("build", bundle, "--precision", "fp32", "--engine", "tensorrt")
    assert built.returncode == 0, built.stderr
    assert "tensorrt 11.4.0.106 for emulated Orin (8 SM), sm87; batch 1, 4, 8" in built.stdout
    assert "not run yet: edgeecho verify BUNDLE --engine tensorrt" in built.stdout
    assert "38 layers, 0 of which only move or convert data" in built.stdout
    assert "inputs of the convolutions: 37 Float" in built.stdout
    verified = run("verify", bundle, "--json")
    assert verified.returncode == 0, verified.stderr
    report = json.loads(verified.stdout)
    ran = {row["engine"]["name"]: row["engine"]["device"] for row in report["results"]}
    assert {"openvino", "onnxruntime", "tensorrt", "tensorrt-graph"} <= set(ran)
    assert ran["tensorrt"] == ran["tensorrt-graph"] == "emulated Orin (8 SM), sm87"
    answered = run("infer", "--model", bundle, "--json", *_example())
    assert answered.returncode == 0, answered.stderr
    assert '"name": "tensorrt"' in answered.stdout, "auto prefers it"


def _example() -> list[str]:
    from edgeecho.bundle import EXAMPLE

    return [str(EXAMPLE)]
