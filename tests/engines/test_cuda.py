"""CUDA without a driver, by the real `cuda-bindings`: it says so, and nothing crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from fake_cuda import FakeGPU, cuda_module
from held import read_api

from edgeecho.bundle import open_model
from edgeecho.common.errors import EngineError
from edgeecho.engines import load_engine
from edgeecho.engines.nvidia import cuda

needs_bindings = pytest.mark.skipif(
    find_spec("cuda") is None, reason="needs cuda-bindings: pip install cuda-bindings"
)
# A machine with a GPU has none either for a process that is shown none, and then says NoDevice.
BLIND = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}


@pytest.mark.slow
@needs_bindings
def test_no_driver_is_said_in_a_line_by_every_engine_for_a_gpu() -> None:
    program = (
        "from edgeecho.bundle import open_model\n"
        "from edgeecho.engines import find_engine\n"
        "from edgeecho.engines.tensorrt.library import obstacle\n"
        "from edgeecho.common.errors import EngineError\n"
        "import sys\n"
        "model = open_model()\n"
        "for name in ('tensorrt', 'tensorrt-rtx', 'onnxruntime-cuda'):\n"
        "    engine = find_engine(name)\n"
        "    try: engine.open(engine, model, 0, False)\n"
        "    except EngineError as error: print(error)\n"
        "print(obstacle(model, 'tensorrt'))\n"
        "assert not {'tensorrt', 'tensorrt_rtx', 'onnxruntime'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=BLIND
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4
    for line in lines:
        assert line.startswith("cudaGetDeviceCount failed with "), line
        assert "no NVIDIA driver" in line or "CUDA_VISIBLE_DEVICES" in line


@needs_bindings
def test_real_bindings_take_what_we_give_them() -> None:
    """Types of arguments are checked before the driver is asked, and there is none."""
    runtime = pytest.importorskip("cuda.bindings.runtime")
    try:
        code = runtime.cudaGetDeviceCount()[0]
    except RuntimeError:
        pytest.skip("these bindings, older than 12.9, raise without a driver")
    if code != runtime.cudaError_t.cudaErrorInsufficientDriver:
        pytest.skip("there is a driver, which would do what is asked here")
    stream, graph = runtime.cudaStream_t(0), runtime.cudaGraph_t(0)
    event = runtime.cudaEvent_t(0)
    mode = runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
    kind = runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
    assert int(stream) == 0
    with_result = [
        runtime.cudaMalloc(16),
        runtime.cudaMallocHost(16),
        runtime.cudaStreamCreateWithFlags(runtime.cudaStreamNonBlocking),
        runtime.cudaGetDeviceProperties(0),
        runtime.cudaStreamEndCapture(stream),
        runtime.cudaGraphInstantiate(graph, 0),
        runtime.cudaEventCreate(),
        runtime.cudaEventElapsedTime(event, event),
    ]
    without = [
        runtime.cudaFree(4096),
        runtime.cudaFreeHost(4096),
        runtime.cudaMemcpyAsync(1, 2, 3, kind, 4),
        runtime.cudaStreamSynchronize(stream),
        runtime.cudaStreamDestroy(stream),
        runtime.cudaStreamBeginCapture(stream, mode),
        runtime.cudaGraphLaunch(runtime.cudaGraphExec_t(0), stream),
        runtime.cudaGraphDestroy(graph),
        runtime.cudaEventRecord(event, 0),
        runtime.cudaEventDestroy(event),
        runtime.cudaGraphExecDestroy(runtime.cudaGraphExec_t(0)),
    ]
    assert {len(answer) for answer in with_result} == {2}
    assert {len(answer) for answer in without} == {1}
    assert all(answer[0].name.startswith("cudaError") for answer in (*with_result, *without))


def test_missing_bindings_are_said_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    with pytest.raises(EngineError, match=r"cuda-bindings .*pip install 'edgeecho\[tensorrt\]'"):
        cuda.probe()


def test_bindings_that_raise_without_a_driver_are_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def count() -> None:
        raise RuntimeError("Failed to dlopen libcuda.so.1")  # seen in cuda-bindings 12.8.0

    module = cuda_module(FakeGPU("cuda-12.9"))
    monkeypatch.setattr(module, "cudaGetDeviceCount", count)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", module)
    with pytest.raises(EngineError, match=r"libcuda\.so\.1: there is no NVIDIA driver here"):
        cuda.probe()


@pytest.mark.parametrize("api", ["cuda-12.9", "cuda-13.5"])
def test_probe_says_what_the_gpu_is(api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda_module(FakeGPU(api)))
    device = cuda.probe()
    assert device == cuda.Device("emulated Orin", 8, "sm87", "12.6")
    assert device.label == "emulated Orin (8 SM)"


@needs_bindings
def test_recorded_functions_are_those_of_the_installed_bindings() -> None:
    """`make check-trt-api` compares with the very versions; this one needs no network."""
    from inspect import signature

    runtime = pytest.importorskip("cuda.bindings.runtime")
    for name, parameters in read_api("cuda-13.5")["functions"].items():
        assert list(signature(getattr(runtime, name)).parameters) == parameters


def test_auto_without_a_gpu_is_the_cpu() -> None:
    assert load_engine("auto", open_model()).facts.name == "openvino"
