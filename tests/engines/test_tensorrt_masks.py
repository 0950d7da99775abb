"""A segmentation on the emulated TensorRT, beside the EF network of its bundle."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")

from emulate import VERSIONS, emulate, put_engine
from fake_cuda import FakeGPU
from segmented_toy import SPEC, segmented_toy

from edgeecho.bundle import EXAMPLE, ModelFile, open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import OURS, load_segmentation
from edgeecho.inference import estimate_file, load_model

MASKS = "segmentation.fp16.onnx"
BATCH = (1, 8, 16)
FRAMES = np.random.default_rng(0).standard_normal((35, 3, SPEC.size, SPEC.size), np.float32)


@pytest.fixture(params=[*VERSIONS, "rtx-1.7"])
def any_gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGPU]:
    """With each version of TensorRT in turn; nothing is misused, and all is given back."""
    gc.freeze()
    gpu = emulate(monkeypatch, request.param)
    yield gpu
    gc.collect()
    gc.unfreeze()
    assert gpu.misuses == []
    assert gpu.leaks() == {}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return segmented_toy(tmp_path / "bundle", ("fp32", "fp16"))


@pytest.fixture
def model(bundle: Path) -> ModelFile:
    return open_model(bundle, precision="fp16")


def test_every_version_gives_the_networks_logits_at_any_batch(
    bundle: Path, model: ModelFile, any_gpu: FakeGPU
) -> None:
    put_engine(bundle, any_gpu, onnx_file=MASKS, batch=BATCH)
    expected = FRAMES.mean(axis=1)
    for name in (entry.name for entry in OURS if entry.package == any_gpu.trt.__name__):
        engine = load_segmentation(name, model)
        # Above the largest batch that was built (16), and again.
        for size in (1, 16, 35, 5):
            logits = engine.infer({"frame": FRAMES[:size]})["logits"]
            assert logits.dtype == np.float32
            assert logits.shape == (size, SPEC.size, SPEC.size)
            assert np.abs(logits - expected[:size]).max() < 1e-5
        assert engine.facts.name == name
        engine.close()  # type: ignore[attr-defined]


def test_both_plans_answer_a_video_and_neither_stands_for_the_other(
    bundle: Path, model: ModelFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = emulate(monkeypatch, "10.3")
    put_engine(bundle, gpu, batch=(1, 4, 8))
    with pytest.raises(EngineError, match=f"no engine of {MASKS} for this machine"):
        load_model(bundle, engine="tensorrt", precision="fp16")
    put_engine(bundle, gpu, onnx_file=MASKS, batch=BATCH, file="masks.engine")
    found = estimate_file(EXAMPLE, load_model(bundle, engine="tensorrt", precision="fp16"))
    on_cpu = estimate_file(EXAMPLE, load_model(bundle, engine="openvino", precision="fp16"))
    assert found.traced is not None
    assert on_cpu.traced is not None
    assert found.traced.engine.name == found.engine.name == "tensorrt"
    assert (found.traced.packed == on_cpu.traced.packed).mean() > 0.999
    assert found.traced.packed.any()
    assert gpu.misuses == []
