"""The TensorRT engine on an emulated GPU, whose TensorRT is as strict as `fake_trt` can make it.

What passes here keeps to the real bindings' signatures and to the order, sizes and lifetimes
that a GPU asks for. It has not run on a GPU, and no time is taken.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")

from emulate import VERSIONS, emulate, put_engine
from fake_cuda import FakeGPU
from rtx import describe
from tiny import SHAPE, tiny_bundle, write_tiny

from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.errors import EngineError, ModelError
from edgeecho.engines import OURS, Outputs, load_engine

CLIPS = np.random.default_rng(0).standard_normal((19, *SHAPE)).astype(np.float32)


def clean(gpu: FakeGPU) -> None:
    """Nothing was misused, and all was given back."""
    gc.collect()
    gc.unfreeze()
    assert gpu.misuses == []
    assert gpu.leaks() == {}


@pytest.fixture(params=[*VERSIONS, "rtx-1.7"])
def any_gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    """With each version of TensorRT in turn, and both of cuda-bindings."""
    cuda = "cuda-12.9" if request.param == "10.3" else "cuda-13.5"
    gc.freeze()  # what was there before is not searched: it takes a sixth of a second
    gpu = emulate(monkeypatch, request.param, cuda)
    yield gpu
    clean(gpu)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    """With TensorRT 10.3."""
    gc.freeze()
    gpu = emulate(monkeypatch, "10.3")
    yield gpu
    clean(gpu)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tiny_bundle(tmp_path / "bundle")


@pytest.fixture
def model(bundle: Path) -> ModelFile:
    return open_model(bundle, precision="fp16")


@pytest.fixture
def expected(model: ModelFile) -> Outputs:
    return load_engine("onnxruntime", model).run(CLIPS)


def assert_gives(engine: Any, size: int, expected: Outputs) -> None:
    """Both outputs for the first `size` clips."""
    found = engine.run(CLIPS[:size])
    assert found.ef.dtype == found.embedding.dtype == np.float32
    assert found.embedding.shape == (size, 4)
    assert np.abs(found.ef - expected.ef[:size]).max() < 1e-4
    assert np.abs(found.embedding - expected.embedding[:size]).max() < 1e-4


def names(gpu: FakeGPU) -> list[str]:
    """Of the engines that run with this TensorRT."""
    return [entry.name for entry in OURS if entry.package == gpu.trt.__name__]


def test_every_version_gives_the_networks_outputs_at_any_batch(
    bundle: Path, model: ModelFile, expected: Outputs, any_gpu: FakeGPU
) -> None:
    put_engine(bundle, any_gpu)
    for name in names(any_gpu):
        engine = load_engine(name, model)
        # Below the smallest batch that was built (2), above the largest (8), and again.
        for size in (1, 2, 5, 8, 19, 5):
            assert_gives(engine, size, expected)
        assert engine.facts.name == name
        assert engine.facts.version == any_gpu.trt.__version__
        assert engine.facts.device == "emulated Orin (8 SM), sm87"
        assert engine.facts.precision == "f16+f32"
        engine.close()
        engine.close()


def test_memory_is_taken_once_for_the_largest_batch(
    bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt", model)
    # clip, embedding and ef at a batch of 8.
    sizes = sorted(len(block) for block in gpu.device.values())
    assert sizes == sorted(len(block) for block in gpu.pinned.values())
    assert sizes == [8 * 4, 8 * 4 * 4, 8 * 4 * int(np.prod(SHAPE))]
    gpu.calls.clear()
    for size in (1, 8, 3):
        engine.run(CLIPS[:size])
    # One upload, and a download of each output.
    each = ["cudaMemcpyAsync"] * 3 + ["cudaStreamSynchronize"]
    assert gpu.calls == each * 3


def test_graphs_are_recorded_once_a_batch_size(
    bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt-graph", model)
    engine.run(CLIPS[:2])
    engine.run(CLIPS[:4])
    gpu.calls.clear()
    engine.run(CLIPS[4:6])
    engine.run(CLIPS[4:8])
    copies = ["cudaMemcpyAsync"] * 2
    each = ["cudaMemcpyAsync", "cudaGraphLaunch", *copies, "cudaStreamSynchronize"]
    assert gpu.calls == each * 2
    assert len(gpu.executables) == 2


def test_results_are_not_overwritten_by_the_next_run(
    bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt", model)
    first = engine.run(CLIPS[:2])
    kept = deepcopy(first)
    engine.run(CLIPS[2:4])
    assert (first.ef == kept.ef).all()
    assert (first.embedding == kept.embedding).all()


def test_clips_cut_into_its_room_are_not_copied_again(
    bundle: Path, model: ModelFile, expected: Outputs, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine: Any = load_engine("tensorrt", model)
    for size in (8, 1, 5):
        room = engine.room(size)
        assert room.ctypes.data in gpu.pinned, "from where a GPU takes them"
        room[:] = CLIPS[:size]
        # Whoever copies them again writes to this.
        room.flags.writeable = False
        found = engine.run(room)
        assert np.abs(found.ef - expected.ef[:size]).max() < 1e-4
    assert engine.room(9) is None, "more than the plan takes at once"
    assert_gives(engine, 19, expected)


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt-graph"])
def test_parts_of_a_call_are_timed_by_events_that_are_given_back(
    name: str, bundle: Path, model: ModelFile, expected: Outputs, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine: Any = load_engine(name, model)
    assert engine.clock == "CUDA events"
    # A piece of work counts as a millisecond there; each of the two outputs is one.
    for size, calls in ((1, 1), (8, 1), (19, 3)):
        times = engine.timed(CLIPS[:size])
        assert (times.h2d_ms, times.compute_ms, times.d2h_ms) == (calls, calls, 2 * calls)
        assert 0 < times.enqueue_ms < 1e3
        assert gpu.events == {}
    gpu.calls.clear()
    assert_gives(engine, 8, expected)
    assert not any("Event" in call for call in gpu.calls), "an answer takes no time for it"


def test_a_call_that_fails_while_it_is_timed_gives_its_events_back(
    bundle: Path, model: ModelFile, expected: Outputs, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine: Any = load_engine("tensorrt", model)
    for function in ("cudaEventCreate", "cudaEventRecord", "cudaStreamSynchronize"):
        gpu.fail = {function: "cudaErrorMemoryAllocation"}
        with pytest.raises(EngineError, match=function):
            engine.timed(CLIPS[:2])
        gpu.fail.clear()
        assert gpu.events == {}
    assert_gives(engine, 2, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), [("ef", "embedding"), ("embedding", "ef")])
def test_engine_of_another_network_is_an_error(
    bundle: Path, gpu: FakeGPU, one: str, other: str
) -> None:
    write_tiny(bundle / "fp16.onnx", outputs=(other,))
    put_engine(describe(bundle), gpu)
    with pytest.raises(ModelError, match=rf"e\.engine has no output {one}, only clip, {other}"):
        load_engine("tensorrt", open_model(bundle, precision="fp16"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": "10.4.0"}, "e.engine is of tensorrt 10.4.0"),
        ({"platform": "Linux riscv"}, "e.engine is of Linux riscv"),
        ({"compute_capabilities": ("sm86",)}, "e.engine is for sm86"),
        ({"gpu": "emulated Orin (16 SM)"}, r"e.engine is for emulated Orin \(16 SM\)"),
        ({"onnx_sha256": "0" * 64}, "e.engine is stale .of an ONNX file 000000000000…"),
        ({"precision": "fp32"}, "bundle/engines has none"),
        ({"kind": "tensorrt-rtx"}, "bundle/engines has none"),
    ],
)
def test_foreign_and_stale_engines_are_refused_with_both_sides_named(
    changes: dict[str, Any], says: str, bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu, **changes)
    with pytest.raises(EngineError, match=says) as caught:
        load_engine("tensorrt", model)
    message = str(caught.value)
    assert "tensorrt 10.3.0 on emulated Orin (8 SM), sm87" in message
    assert "edgeecho build BUNDLE --precision fp16 --engine tensorrt" in message
    assert "\n" not in message
    assert "cudaMalloc" not in gpu.calls, "it was never loaded"
    # `auto` goes on, and says what ran.
    assert load_engine("auto", model).facts.name == "openvino"


def test_changed_engine_is_not_loaded(bundle: Path, model: ModelFile, gpu: FakeGPU) -> None:
    engine = put_engine(bundle, gpu)
    engine.write_bytes(engine.read_bytes() + b"x")
    with pytest.raises(EngineError, match="changed after the build"):
        load_engine("tensorrt", model)


def test_the_one_that_fits_is_taken_among_others(
    bundle: Path, model: ModelFile, expected: Outputs, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu, file="a.engine", compute_capabilities=("sm86",))
    put_engine(bundle, gpu, file="b.engine")
    put_engine(bundle, gpu, file="c.engine", version="9")
    engine = load_engine("auto", model)
    assert engine.facts.name == "tensorrt"
    assert_gives(engine, len(CLIPS), expected)


def test_what_tensorrt_refuses_is_an_error_with_its_reason(
    bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu, inside="another")
    with pytest.raises(EngineError, match=r"refused to load it \(e.engine\): IRuntime: not an"):
        load_engine("tensorrt", model)


@pytest.mark.parametrize(
    "function",
    ["cudaStreamCreateWithFlags", "cudaMalloc", "cudaMallocHost"],
)
def test_no_memory_is_one_line_and_leaves_nothing_behind(
    function: str, bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    gpu.fail[function] = "cudaErrorMemoryAllocation"
    with pytest.raises(EngineError, match=f"^{function} failed with cudaErrorMemoryAlloc.*--batch"):
        load_engine("tensorrt", model)


@pytest.mark.parametrize("function", ["cudaMemcpyAsync", "cudaStreamSynchronize"])
def test_error_of_a_run_is_named(
    function: str, bundle: Path, model: ModelFile, gpu: FakeGPU
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt", model)
    gpu.fail[function] = "cudaErrorIllegalAddress"
    with pytest.raises(EngineError, match=f"{function} failed with cudaErrorIllegalAddress: emul"):
        engine.run(CLIPS[:2])
    gpu.fail.clear()


@pytest.mark.parametrize("call", ["set_input_shape", "set_tensor_address", "execute_async_v3"])
def test_every_answer_of_tensorrt_is_looked_at(
    call: str, bundle: Path, model: ModelFile, gpu: FakeGPU, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt", model)
    monkeypatch.setattr(gpu.trt.IExecutionContext, call, lambda self, *a: False)
    with pytest.raises(EngineError, match=r"tensorrt 10\.3\.0 refused .* it gave no reason"):
        engine.run(CLIPS[:2])


def test_recording_that_fails_leaves_a_stream_that_can_be_used(
    bundle: Path, model: ModelFile, gpu: FakeGPU, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_engine(bundle, gpu)
    engine = load_engine("tensorrt-graph", model)
    gpu.fail["cudaGraphInstantiate"] = "cudaErrorMemoryAllocation"
    with pytest.raises(EngineError, match="cudaGraphInstantiate"):
        engine.run(CLIPS[:2])
    gpu.fail.clear()
    engine.run(CLIPS[:2])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_ef_that_is_no_number_is_an_error(value: float, bundle: Path, gpu: FakeGPU) -> None:
    write_tiny(bundle / "fp16.onnx", bias=value)
    put_engine(describe(bundle), gpu)
    engine = load_engine("tensorrt", open_model(bundle, precision="fp16"))
    with pytest.raises(EngineError, match="not a number"):
        engine.run(CLIPS[:2])


def test_clips_of_another_shape_are_refused(bundle: Path, model: ModelFile, gpu: FakeGPU) -> None:
    put_engine(bundle, gpu)
    with pytest.raises(EngineError, match=r"takes a clip of \(3, 4, 8, 8\), not \(3, 4, 8, 9\)"):
        load_engine("tensorrt", model).run(np.zeros((1, 3, 4, 8, 9), np.float32))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"driver": False}, "cudaErrorInsufficientDriver: there is no NVIDIA driver"),
        ({"devices": 0}, "cudaErrorNoDevice: .*CUDA_VISIBLE_DEVICES"),
    ],
)
def test_gpu_is_looked_for_before_tensorrt_is_touched(
    change: dict[str, Any],
    says: str,
    bundle: Path,
    model: ModelFile,
    gpu: FakeGPU,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_engine(bundle, gpu)
    for name, value in change.items():
        setattr(gpu, name, value)
    monkeypatch.delitem(sys.modules, "tensorrt")
    engine = next(entry for entry in OURS if entry.name == "tensorrt")
    with pytest.raises(EngineError, match=says):
        engine.open(engine, model, 0, False)
    assert "tensorrt" not in sys.modules
    assert set(gpu.calls) <= {"cudaGetDeviceCount", "cudaGetErrorString"}
