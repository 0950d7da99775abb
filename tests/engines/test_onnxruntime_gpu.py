"""ONNX Runtime on a GPU: what is asked of it, and that it is never the CPU. Not run on a GPU."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import onnxruntime
from emulate import emulate
from tiny import SHAPE, tiny_bundle

from edgeecho.bundle import ModelFile, default_model, open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import EngineDescriptor, descriptor, load_engine, load_shared, shares
from edgeecho.engines.onnxruntime import bound

PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}


SAID: list[Any] = []
"""What the module was told, in order."""


class GPUSession(onnxruntime.InferenceSession):  # type: ignore[misc]
    """The real one on the CPU, under the name of the provider that was asked for."""

    asked: Any = None
    answers: tuple[str, ...] | Exception | None = None

    def __init__(self, path: Any, options: Any, providers: Any, enable_fallback: int) -> None:
        GPUSession.asked = (options, providers, enable_fallback)
        SAID.append("session")
        if isinstance(self.answers, Exception):
            raise self.answers
        super().__init__(path, providers=["CPUExecutionProvider"], enable_fallback=enable_fallback)

    def get_providers(self) -> Any:
        return self.answers or [self.asked[1][0][0], "CPUExecutionProvider"]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[GPUSession]:
    """An installed onnxruntime-gpu, and a GPU."""
    emulate(monkeypatch, "10.3")
    gpu = ModuleType("onnxruntime")
    vars(gpu).update(vars(onnxruntime))
    gpu.__spec__ = ModuleSpec("onnxruntime", None)
    gpu.InferenceSession = GPUSession  # type: ignore[attr-defined]
    SAID.clear()
    gpu.set_default_logger_severity = SAID.append  # type: ignore[attr-defined]
    gpu.preload_dlls = lambda: (SAID.append("preload"), print("Failed to load libcublas.so"))  # type: ignore[attr-defined]
    gpu.get_available_providers = lambda: list(PROVIDERS.values())  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", gpu)
    monkeypatch.setattr(descriptor, "is_installed", lambda name: name == "onnxruntime-gpu")
    monkeypatch.setattr(GPUSession, "answers", None)
    # ONNX Runtime for the CPU binds memory too, but has none of a GPU.
    monkeypatch.setattr(bound, "DEVICE", "cpu")
    return GPUSession


@pytest.fixture
def model(tmp_path: Path) -> ModelFile:
    return open_model(tiny_bundle(tmp_path / "bundle"), precision="fp16")


@pytest.mark.parametrize("name", PROVIDERS)
def test_provider_is_asked_for_alone_without_a_way_to_the_cpu(
    name: str, model: ModelFile, session: type[GPUSession]
) -> None:
    engine = load_engine(f"onnxruntime-{name}", model)
    options, ((provider, _),), fallback = session.asked
    assert provider == PROVIDERS[name]
    assert options.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"
    assert fallback == 0
    clips = np.zeros((3, *SHAPE), np.float32)
    found = engine.run(clips)
    assert (found.ef.shape, found.embedding.shape) == ((3,), (3, 4))
    assert engine.facts.name == f"onnxruntime-{name}"
    assert engine.facts.device == "emulated Orin (8 SM), sm87"


@pytest.mark.parametrize(
    ("name", "precision", "option", "arithmetic"),
    [
        ("cuda", "fp32", ("use_tf32", "0"), "f32"),
        ("cuda", "fp16", ("use_tf32", "0"), "f16+f32"),
        ("cuda", "int8", ("use_tf32", "0"), "f32"),
        ("cuda", "fp32", ("cudnn_conv_algo_search", "HEURISTIC"), "f32"),
        ("cuda", "fp16", ("cudnn_conv_algo_search", "HEURISTIC"), "f16+f32"),
        ("tensorrt", "fp32", ("trt_fp16_enable", "False"), "tf32"),
        ("tensorrt", "fp16", ("trt_fp16_enable", "True"), "f16+tf32"),
        ("tensorrt", "int8", ("trt_int8_enable", "True"), "int8+tf32"),
    ],
)
def test_arithmetic_is_what_the_provider_does(
    name: str,
    precision: str,
    option: tuple[str, str],
    arithmetic: str,
    model: ModelFile,
    session: type[GPUSession],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    model = replace(model, precision=precision)
    engine = load_engine(f"onnxruntime-{name}", model)
    assert option in session.asked[1][0][1].items()
    assert engine.facts.precision == arithmetic
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    again = load_engine(f"onnxruntime-{name}", model).facts.precision
    assert again == arithmetic.replace("tf32", "f32")


def test_it_finds_cuda_before_the_session_and_prints_nothing(
    model: ModelFile, session: type[GPUSession], capfd: pytest.CaptureFixture[str]
) -> None:
    load_engine("onnxruntime-cuda", model)
    options, ((_, asked),), _ = session.asked
    assert SAID == [4, "preload", "session"]
    assert options.log_severity_level == 4
    # ONNX Runtime 1.31 warns on stderr that it looked for a plugin, only if this is given.
    assert "device_id" not in asked
    assert capfd.readouterr() == ("", "")


def test_bound_memory_gives_the_numbers_of_a_plain_run_at_any_batch(
    model: ModelFile, session: type[GPUSession]
) -> None:
    plain = onnxruntime.InferenceSession(model.path, providers=["CPUExecutionProvider"])
    engine: Any = load_engine("onnxruntime-cuda", model)
    clips = np.random.default_rng(0).standard_normal((8, *SHAPE)).astype(np.float32)
    largest = 0
    for part in (slice(3), slice(3, 6), slice(8), slice(0, 8, 2), slice(1), slice(3)):
        found = engine.run(clips[part])
        ef, embedding = plain.run(["ef", "embedding"], {"clip": clips[part]})
        largest = max(largest, len(ef))
        # The very numbers where nothing was filled up; else those of another batch.
        compare = np.testing.assert_allclose if len(ef) < largest else np.testing.assert_array_equal
        compare(found.ef, ef)
        compare(found.embedding, embedding)


def test_a_smaller_call_keeps_the_memory_and_the_shape_of_the_largest(
    model: ModelFile, session: type[GPUSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    # ONNX Runtime plans every convolution anew when the shape of a call is not that of the last.
    taken, run = [], []
    real, real_run = onnxruntime.OrtValue.ortvalue_from_shape_and_type, session.run_with_iobinding

    def take(shape: Any, *rest: Any) -> Any:
        taken.append(tuple(shape))
        return real(shape, *rest)

    def count(self: Any, binding: Any, *rest: Any) -> None:
        real_run(self, binding, *rest)
        run.append(binding.get_outputs()[0].shape()[0])

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_shape_and_type", take)
    monkeypatch.setattr(session, "run_with_iobinding", count)
    engine: Any = load_engine("onnxruntime-cuda", model)
    clips = np.random.default_rng(0).standard_normal((4, *SHAPE)).astype(np.float32)
    first = engine.run(clips[:2])
    kept = first.ef.copy(), first.embedding.copy()
    second = engine.run(clips[2:])
    assert (first.ef == kept[0]).all()
    assert (first.embedding == kept[1]).all()
    assert not (first.ef == second.ef).any()
    for count_of in (4, 1, 2, 3, 4):
        assert len(engine.run(clips[:count_of]).ef) == count_of
    assert taken == [(2, *SHAPE), (4, *SHAPE)]
    assert run == [2, 2, 4, 4, 4, 4, 4]
    # Clips that come one by one are not paid for as four.
    for count_of in (1, 1, 1, 4, 2, 3, 3):
        assert len(engine.run(clips[:count_of]).ef) == count_of
    assert run[7:] == [4, 1, 1, 4, 4, 4, 4]


def test_parts_of_a_call_are_timed_by_the_hosts_clock(
    model: ModelFile, session: type[GPUSession]
) -> None:
    engine: Any = load_engine("onnxruntime-cuda", model)
    begin = time.perf_counter()
    times = engine.timed(np.zeros((2, *SHAPE), np.float32))
    whole_ms = (time.perf_counter() - begin) * 1e3
    parts = (times.h2d_ms, times.compute_ms, times.d2h_ms)
    assert min(parts) > 0
    assert sum(parts) < whole_ms
    assert times.enqueue_ms is None, "ONNX Runtime returns when the network is done"
    assert engine.clock == "the host's clock"


@pytest.mark.slow
def test_cuda_answers_overlapping_clips_together_without_the_cpu(
    session: type[GPUSession],
) -> None:
    model = open_model(default_model(), precision="fp32")
    assert model.shared is not None
    assert shares("onnxruntime-cuda", model)
    assert not shares("onnxruntime-tensorrt", model)
    engine = load_shared("onnxruntime-cuda", model)
    options, ((provider, _),), fallback = session.asked
    assert (provider, fallback) == (PROVIDERS["cuda"], 0)
    assert options.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"
    rng = np.random.default_rng(0)
    frames = rng.standard_normal((1, 3, 40, 112, 112)).astype(np.float32)
    starts = np.array([8, 0, 4])
    found = engine.infer({"frames": frames, "starts": starts})
    clips = np.stack([frames[0, :, s : s + 32] for s in starts])
    expected = load_engine("onnxruntime-cuda", model).run(clips)
    np.testing.assert_allclose(found["ef"], expected.ef, atol=1e-3)
    np.testing.assert_allclose(found["embedding"], expected.embedding, rtol=1e-3, atol=1e-3)
    # Fewer frames and clips are filled up to those: frames follow the last, clips begin at 0.
    fewer = engine.infer({"frames": frames[:, :, 2:36], "starts": np.array([2])})
    expected = load_engine("onnxruntime-cuda", model).run(frames[:, :, 4:36])
    np.testing.assert_allclose(fewer["ef"], expected.ef, atol=1e-3)


def test_another_active_provider_is_an_error(model: ModelFile, session: type[GPUSession]) -> None:
    session.answers = ("CPUExecutionProvider",)
    with pytest.raises(EngineError, match="runs CPUExecutionProvider, not CUDAExecutionProvider"):
        load_engine("onnxruntime-cuda", model)


def test_session_that_would_need_the_cpu_is_an_error_of_one_line(
    model: ModelFile, session: type[GPUSession]
) -> None:
    session.answers = RuntimeError("nodes\nare assigned to the default CPU EP")
    with pytest.raises(EngineError, match=r"cannot run fp16\.onnx by CUDAExec.*cuDNN") as caught:
        load_engine("onnxruntime-cuda", model)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform != "linux", reason="the words are those of Linux's loader")
def test_a_library_that_cannot_be_loaded_is_named(
    model: ModelFile, session: type[GPUSession], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ONNX Runtime says it in its log only; tests/engines/test_ort_gpu.py has the real one."""
    (tmp_path / "capi").mkdir()
    for part in ("shared", "cuda"):
        (tmp_path / "capi" / f"libonnxruntime_providers_{part}.so").write_text("no library")
    monkeypatch.setattr(sys.modules["onnxruntime"], "__file__", str(tmp_path / "__init__.py"))
    session.answers = RuntimeError("nodes are assigned to the default CPU EP")
    with pytest.raises(EngineError, match=r"alone \(libonnx\w+\.so: .+\): it needs") as caught:
        load_engine("onnxruntime-cuda", model)
    assert str(tmp_path) not in str(caught.value)


def test_gpu_that_fails_in_a_run_is_an_error_of_one_line(
    model: ModelFile, session: type[GPUSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*arguments: object) -> None:
        raise RuntimeError("CUDA failure 2:\nout of memory")

    engine = load_engine("onnxruntime-cuda", model)
    monkeypatch.setattr(GPUSession, "run_with_iobinding", run)
    with pytest.raises(EngineError, match=r"CUDA failure 2: out of memory\): close what else"):
        engine.run(np.zeros((1, *SHAPE), np.float32))


def test_overwritten_package_is_said(
    model: ModelFile, session: type[GPUSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules["onnxruntime"]
    monkeypatch.setattr(module, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(EngineError, match="has overwritten onnxruntime-gpu"):
        load_engine("onnxruntime-cuda", model)


def test_package_for_the_cpu_alone_does_not_count(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(descriptor, "is_installed", lambda name: False)
    with pytest.raises(EngineError, match=r"not installed: .*'edgeecho\[gpu\]'"):
        load_engine("onnxruntime-cuda", model)


def test_auto_takes_cuda_before_the_cpu(model: ModelFile, session: type[GPUSession]) -> None:
    assert load_engine("auto", model).facts.name == "onnxruntime-cuda"


def test_auto_takes_the_cpu_where_cuda_cannot_run_the_model(
    model: ModelFile, session: type[GPUSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.answers = RuntimeError("nodes are assigned to the default CPU EP")
    facts = load_engine("auto", model).facts
    # Before it TensorRT, for which the bundle has no plan.
    assert (facts.name, facts.passed_over[-1].name) == ("openvino", "onnxruntime-cuda")
    assert "cannot run fp16.onnx by CUDAExecutionProvider alone" in facts.passed_over[-1].why
    session.answers = None

    def run(*arguments: object) -> None:
        raise RuntimeError("libcudnn_engines_precompiled.so.9: cannot open shared object file")

    monkeypatch.setattr(GPUSession, "run_with_iobinding", run)
    facts = load_engine("auto", model).facts
    assert (facts.name, facts.passed_over[-1].name) == ("openvino", "onnxruntime-cuda")
    assert "libcudnn_engines_precompiled.so.9" in facts.passed_over[-1].why


def test_auto_without_any_engine_says_what_to_install(
    model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EngineDescriptor, "available", False)
    with pytest.raises(EngineError, match="no engine is installed: pip install openvino"):
        load_engine("auto", model)
