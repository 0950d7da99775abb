"""ONNX Runtime on the CPU, and on an NVIDIA GPU by its CUDA or its TensorRT provider.

The GPU needs onnxruntime-gpu, which has the same import name as onnxruntime.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from edgeecho.bundle import ModelFile
from edgeecho.engines.base import Engine
from edgeecho.engines.descriptor import EngineDescriptor
from edgeecho.engines.nvidia import no_gpu


def _open(engine: EngineDescriptor, model: ModelFile, threads: int, _cached: bool) -> Engine:
    from edgeecho.engines.onnxruntime.cpu import ONNXRuntimeEngine

    return ONNXRuntimeEngine(engine, model, threads)


def _open_on_gpu(
    engine: EngineDescriptor, model: ModelFile, _threads: int, _cached: bool, *, provider: str
) -> Engine:
    from edgeecho.engines.onnxruntime.gpu import ONNXRuntimeGPUEngine

    return ONNXRuntimeGPUEngine(engine, model, provider)


def _cuda_arithmetic(precision: str) -> str:
    # Here CUDA has no INT8 convolution and computes the rounded values in f32.
    return "f16+f32" if precision == "fp16" else "f32"


def _tensorrt_arithmetic(precision: str) -> str:
    # TF32 cannot be switched off: https://github.com/microsoft/onnxruntime/issues/26029.
    rest = "f32" if os.environ.get("NVIDIA_TF32_OVERRIDE") == "0" else "tf32"
    return {"fp16": f"f16+{rest}", "int8": f"int8+{rest}"}.get(precision, rest)


def _on_gpu(
    name: str,
    provider: str,
    needs: str,
    arithmetic: Callable[[str], str],
    *,
    auto: int | None = None,
    load_s: float = 300.0,
) -> EngineDescriptor:
    return EngineDescriptor(
        name,
        package="onnxruntime",
        install="pip uninstall -y onnxruntime; pip install 'edgeecho[gpu]'",
        runs_on=f"NVIDIA GPU with {needs}",
        open=partial(_open_on_gpu, provider=provider),
        device="nvidia",
        distribution="onnxruntime-gpu",
        auto=auto,
        refuses=no_gpu,
        arithmetic=arithmetic,
        load_s=load_s,
        # ONNX Runtime's TensorRT would build its engine again for every length of a video.
        shares=provider == CUDA,
    )


CUDA, TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"
ENGINES = (
    EngineDescriptor(
        "onnxruntime",
        package="onnxruntime",
        install="pip install 'edgeecho[ort]'",
        runs_on="CPU",
        open=_open,
        auto=4,
        shares=True,
    ),
    _on_gpu("onnxruntime-cuda", CUDA, "CUDA and cuDNN", _cuda_arithmetic, auto=2),
    # TensorRT rebuilds its engine at each load, which takes minutes, on a small device many.
    _on_gpu("onnxruntime-tensorrt", TENSORRT, "TensorRT 10", _tensorrt_arithmetic, load_s=3600.0),
)
