"""Replaces the real packages by an emulated GPU and a stand-in for TensorRT."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from fake_cuda import FakeGPU, cuda_module
from fake_trt import Plan, trt_module

from edgeecho.common.files import sha256_file, write_json
from edgeecho.engines.sidecar import FOLDER, sidecar_of
from edgeecho.engines.tensorrt.built import TensorRTSidecar, platform_name

VERSIONS = ("10.3", "10.16", "11.4")
_SUPPORT = Path(__file__).parent


def emulate(monkeypatch: pytest.MonkeyPatch, version: str, cuda: str = "cuda-13.5") -> FakeGPU:
    """For this process: `tensorrt` (or `tensorrt_rtx`) of `version`, and `cuda.bindings`."""
    gpu = FakeGPU(cuda)
    gpu.trt = module = trt_module(version, gpu)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", cuda_module(gpu))
    return gpu


def emulated_environment(version: str) -> dict[str, str]:
    """Environment of a process that finds them on its path."""
    found = [str(_SUPPORT / "emulated"), str(_SUPPORT), os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(filter(None, found))
    return {**os.environ, "PYTHONPATH": path, "EMULATED_TENSORRT": version}


def put_engine(
    bundle: Path,
    machine: FakeGPU,
    inside: str | None = None,
    onnx_file: str = "fp16.onnx",
    **changes: Any,
) -> Path:
    """Give a bundle's file an engine for `machine`; `changes` are those of its sidecar.

    `inside`: what the engine's bytes say that they are for, whatever the sidecar says.
    """
    source = bundle / onnx_file
    rtx = machine.trt.__name__ == "tensorrt_rtx"
    (given,) = onnx.load(source).graph.input
    shape = tuple(d.dim_value for d in given.type.tensor_type.shape.dim)
    sidecar = TensorRTSidecar(
        file="e.engine",
        sha256="",
        kind=machine.trt.__name__.replace("_", "-"),
        version=machine.trt.__version__,
        platform=platform_name(),
        precision="fp16",
        onnx_file=source.name,
        onnx_sha256=sha256_file(source),
        compute_capabilities=("sm86", "sm87") if rtx else ("sm87",),
        batch=(2, 4, 8),
        input_shape=shape[1:],
        layers={},
        edgeecho="0",
        gpu="" if rtx else "emulated Orin (8 SM)",
    )
    sidecar = replace(sidecar, **changes)
    if inside is None:
        inside = "" if rtx else machine.name.decode()
    profile = {given.name: [(size, *shape[1:]) for size in sidecar.batch]}
    header = {"version": machine.trt.__version__, "gpu": inside, "profile": profile}
    engine = bundle / FOLDER / sidecar.file
    engine.parent.mkdir(exist_ok=True)
    engine.write_bytes(Plan(header, source.read_bytes()).to_bytes())
    sidecar = replace(sidecar, sha256=sha256_file(engine))
    write_json(sidecar_of(engine), sidecar.to_dict())
    return engine
