"""Overlapping clips together on TensorRT, emulated: nothing here has run on a GPU."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from emulate import emulate
from fake_cuda import FakeGPU
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rtx import describe

from edgeecho.bundle import ModelFile, SharedGraph, default_model, open_model, read_manifest
from edgeecho.bundle.manifest import MANIFEST_FILE
from edgeecho.common.errors import EngineError
from edgeecho.common.files import sha256_file, write_json
from edgeecho.engines import GraphEngine, load_engine, load_shared, shares
from edgeecho.engines.sidecar import FOLDER
from edgeecho.engines.tensorrt.built import read_engines
from edgeecho_export.shared.file import write_shared
from edgeecho_export.targets import network, publish
from edgeecho_export.targets.publish import build_tensorrt

pytestmark = pytest.mark.slow

FRAMES, SIZE = 12, 32
LONGEST = FRAMES + 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the narrow network for small clips, with its shared graph."""
    folder = tmp_path_factory.mktemp("shared") / "bundle"
    folder.mkdir()
    network, plain = onnx.load(default_model() / "fp32.onnx"), folder / "fp32.onnx"
    shape = network.graph.input[0].type.tensor_type.shape.dim
    for place, size in ((2, FRAMES), (3, SIZE), (4, SIZE)):
        shape[place].dim_value = size
    del network.graph.value_info[:]
    onnx.save(network, plain)
    describe(folder)
    manifest = read_manifest(folder)
    path, cost = write_shared(plain)
    shared = SharedGraph(path.name, sha256_file(path), cost, ())
    artefacts = {"fp32": replace(manifest.artefacts["fp32"], shared=shared)}
    write_json(folder / MANIFEST_FILE, replace(manifest, artefacts=artefacts).to_dict())
    return folder


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "bundle"))


@pytest.fixture(params=["10.3", "11.4"])
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    gc.freeze()
    gpu = emulate(monkeypatch, request.param)
    monkeypatch.setattr(publish, "build_apart", network._build)
    yield gpu
    gc.collect()
    gc.unfreeze()
    assert gpu.misuses == []
    assert gpu.leaks() == {}


def clips_of(frames: np.ndarray, starts: list[int]) -> np.ndarray:
    return np.stack([frames[0, :, s : s + FRAMES] for s in starts])


def assert_answers(
    model: ModelFile, engine: GraphEngine, frames: np.ndarray, starts: list[int]
) -> None:
    expected = load_engine("onnxruntime", model).run(clips_of(frames, starts))
    found = engine.infer({"frames": frames, "starts": np.array(starts, np.int64)})
    np.testing.assert_allclose(found["ef"], expected.ef, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found["embedding"], expected.embedding, rtol=1e-4, atol=1e-4)


def frames_of(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    levels = rng.uniform(0, 4, (1, 1, count, 1, 1))
    noise: np.ndarray = rng.standard_normal((1, 3, count, SIZE, SIZE)) * levels
    return noise.astype(np.float32)


@settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), more=st.integers(0, 100))
def test_answers_are_those_of_the_plain_graph(
    bundle: Path, gpu: FakeGPU, data: st.DataObject, more: int
) -> None:
    """In any order, more clips than the plan takes, and further apart than its frames reach."""
    asked = st.lists(st.integers(0, more // 2).map(lambda s: 2 * s), min_size=1, max_size=40)
    starts = data.draw(asked)
    if not (bundle / FOLDER).exists():  # the bundle is the same for all examples
        build_tensorrt(bundle, "fp32", (1, 4, 8))
    model = open_model(bundle, precision="fp32")
    with closing(load_shared("tensorrt", model)) as engine:  # type: ignore[type-var]
        assert_answers(model, engine, frames_of(more, FRAMES + more), starts)


def test_build_makes_both_engines_with_a_sidecar_each(bundle: Path, gpu: FakeGPU) -> None:
    published = build_tensorrt(bundle, "fp32", (1, 4, 8))
    model = open_model(bundle, precision="fp32")
    (other,) = published.others
    assert model.shared is not None
    plain, shared = published.sidecar, other.sidecar
    assert sorted(s.file for s in read_engines(bundle)[0]) == [shared.file, plain.file]
    assert (plain.onnx_file, plain.onnx_sha256) == ("fp32.onnx", model.sha256)
    assert (shared.onnx_file, shared.onnx_sha256) == ("fp32-shared.onnx", model.shared.sha256)
    assert shared.file.startswith(f"fp32-shared-tensorrt-{gpu.trt.__version__}")
    assert (plain.batch, shared.batch) == ((1, 4, 8), (1, 16, 16))
    assert plain.input_shape == shared.input_shape == (3, FRAMES, SIZE, SIZE)
    assert other.report.inputs()["Float"] > published.report.inputs()["Float"] == 37


def test_memory_is_taken_once_and_a_video_makes_one_run(bundle: Path, gpu: FakeGPU) -> None:
    build_tensorrt(bundle, "fp32", (1, 4, 8))
    engine = load_shared("tensorrt", open_model(bundle, precision="fp32"))
    sizes = sorted(len(block) for block in gpu.device.values())
    assert sizes == [16 * 4, 16 * 8, 16 * 128 * 4, 3 * LONGEST * SIZE * SIZE * 4]
    gpu.calls.clear()
    engine.infer({"frames": frames_of(0, LONGEST), "starts": np.arange(0, 32, 2)})
    assert gpu.calls == ["cudaMemcpyAsync"] * 4 + ["cudaStreamSynchronize"]
    gpu.calls.clear()
    engine.infer({"frames": frames_of(0, LONGEST + 2), "starts": np.array([62, 0, 60])})
    assert gpu.calls.count("cudaStreamSynchronize") == 2


def test_without_an_engine_of_the_shared_graph_nothing_is_shared(
    bundle: Path, gpu: FakeGPU
) -> None:
    model = open_model(bundle, precision="fp32")
    build_tensorrt(bundle, "fp32", (1, 4, 8), shared=False)
    assert len(read_engines(bundle)[0]) == 1
    load_engine("tensorrt", model).close()  # type: ignore[attr-defined]
    assert not shares("tensorrt", model)
    with pytest.raises(EngineError, match=r"no engine of fp32-shared\.onnx for this machine"):
        load_shared("tensorrt", model)
    build_tensorrt(bundle, "fp32", (1, 4, 8))
    assert shares("tensorrt", model)
    assert not shares("tensorrt-graph", model)


def test_an_engine_of_other_weights_is_stale(bundle: Path, gpu: FakeGPU) -> None:
    build_tensorrt(bundle, "fp32", (1, 4, 8))
    model = open_model(bundle, precision="fp32")
    assert model.shared is not None
    other = replace(model, shared=replace(model.shared, sha256="0" * 64))
    with pytest.raises(EngineError, match="is stale"):
        load_shared("tensorrt", other)


def test_a_refused_shared_graph_leaves_nothing_and_says_the_way_out(
    bundle: Path, gpu: FakeGPU, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = network._build

    def refuse(library: object, data: bytes, plan: network.Plan) -> network.Built:
        if plan.frames:
            raise EngineError("no Gather")
        return build(library, data, plan)  # type: ignore[arg-type]

    monkeypatch.setattr(publish, "build_apart", refuse)
    with pytest.raises(EngineError, match=r"fp32-shared\.onnx: no Gather; .*--no-shared"):
        build_tensorrt(bundle, "fp32", (1, 4, 8))
    assert not (bundle / FOLDER).exists()
