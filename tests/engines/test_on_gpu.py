"""On a real GPU only: the engines that everything else here only emulates.

    python -m pytest tests/engines/test_on_gpu.py -rs

Needs the extras `tensorrt` (with TensorRT) or `gpu` besides those of a developer.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeecho.bundle import DEMO, ModelFile, open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import OURS, find_engine, load_engine, load_shared
from edgeecho.engines.nvidia.cuda import probe
from edgeecho.tools.bench.device.watch import Watch

try:
    probe()
except EngineError as error:
    pytest.skip(f"no GPU: {error}", allow_module_level=True)

NARROW = Path(__file__).parents[2] / "models" / "narrow" / "bundle"
GPU = [entry.name for entry in OURS if entry.device != "cpu"]
CLIPS = np.random.default_rng(0).standard_normal((19, 3, 32, 56, 56), np.float32)


@pytest.fixture(scope="module")
def bundle(narrow_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With an engine of each kind that is installed."""
    from edgeecho_export.targets.publish import build_rtx, build_tensorrt

    folder = Path(shutil.copytree(narrow_bundle, tmp_path_factory.mktemp("gpu") / "bundle"))
    installed = {entry.name for entry in OURS if entry.available}
    if "tensorrt" in installed:
        build_tensorrt(folder, "fp32", (2, 4, 8), timing_cache=folder / "timing.cache")
    if "tensorrt-rtx" in installed:
        build_rtx(folder, "fp32", [probe().compute_capability], (2, 4, 8))
    return folder


def loaded(name: str, model: ModelFile) -> Any:
    """The engine; the test is skipped if it is not installed, or a library of its own lacks."""
    entry = find_engine(name)
    if entry is None or not entry.available:
        pytest.skip(f"not installed: {entry.install if entry else name}")
    try:
        return load_engine(name, model)
    except EngineError as error:
        if "cannot open shared object file" in str(error):
            pytest.skip(str(error))
        raise


@pytest.mark.parametrize("name", GPU)
def test_engine_gives_the_outputs_of_the_cpu(name: str, bundle: Path) -> None:
    model = open_model(bundle)
    engine = loaded(name, model)
    expected = load_engine("openvino", model).run(CLIPS)
    # TF32, where it cannot be turned off, has 10 bits of mantissa.
    allowed = 0.5 if engine.facts.precision == "tf32" else 0.01
    for size in (1, 2, 5, 8, 19, 5):
        found = engine.run(CLIPS[:size])
        assert np.abs(found.ef - expected.ef[:size]).max() < allowed
        differ = np.abs(found.embedding - expected.embedding[:size]).max()
        assert differ < 0.01 * np.abs(expected.embedding).max()


@pytest.mark.parametrize("name", GPU)
def test_parts_of_a_call_fit_into_it_and_change_no_number(name: str, bundle: Path) -> None:
    engine = loaded(name, open_model(bundle))
    before = engine.run(CLIPS[:4])
    begin = time.perf_counter()
    times = engine.timed(CLIPS[:4])
    whole_ms = (time.perf_counter() - begin) * 1e3
    parts = (times.h2d_ms, times.compute_ms, times.d2h_ms)
    assert min(parts) > 0
    assert sum(parts) < whole_ms
    clips = CLIPS[:4]
    if hasattr(engine, "room"):
        clips = engine.room(4)
        clips[:] = CLIPS[:4]
    np.testing.assert_array_equal(engine.run(clips).ef, before.ef)


def test_the_state_of_this_gpu_is_read() -> None:
    with Watch() as watch:
        time.sleep(5)
    if watch.found is None:
        pytest.skip("neither nvidia-smi nor tegrastats is here")
    assert watch.found.said == ""
    assert watch.found.readings > 1
    assert {"memory.used, MiB", "RAM, MB"} & set(watch.found.ranges)


def test_cuda_runs_the_int8_demo_and_auto_takes_a_gpu(capfd: pytest.CaptureFixture[str]) -> None:
    """Which a real H100 refused, see docs/gpus.md; it also printed warnings."""
    if not (entry := find_engine("onnxruntime-cuda")) or not entry.available:
        pytest.skip("not installed: onnxruntime-gpu")
    model = open_model(DEMO)
    clips = np.random.default_rng(0).standard_normal((2, 3, 32, 112, 112), np.float32)
    expected = load_engine("openvino", model).run(clips)
    capfd.readouterr()
    found = load_engine("onnxruntime-cuda", model).run(clips)
    assert np.abs(found.ef - expected.ef).max() < 1.5, "as export allows INT8"
    assert "onnxruntime-cuda" not in [
        one.name for one in load_engine("auto", model).facts.passed_over
    ]
    assert capfd.readouterr() == ("", "")


def test_cuda_answers_overlapping_clips_together_as_one_by_one() -> None:
    model = open_model(NARROW)
    alone = loaded("onnxruntime-cuda", model)
    together = load_shared("onnxruntime-cuda", model)
    frames = np.random.default_rng(1).standard_normal((1, 3, 62, 112, 112), np.float32)
    # Fewer clips of fewer frames after more are filled up to those.
    for starts in ([0, 2, 8, 30], list(range(0, 32, 2)), [4], [6, 0]):
        length = max(starts) + 32
        given = {"frames": frames[:, :, :length], "starts": np.array(starts)}
        clips = np.stack([frames[0, :, start : start + 32] for start in starts])
        expected = np.concatenate([alone.run(clip[None]).ef for clip in clips])
        np.testing.assert_allclose(together.infer(given)["ef"], expected, atol=0.01)
