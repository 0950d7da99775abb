"""The API of the real Python bindings of CUDA and TensorRT, as small JSON files in `trt_api/`.

The suite's stand-ins for both are checked against these files: they lack a class, member or
argument that a version lacks. The bindings import without NVIDIA's libraries over a stub whose
factories return NULL, so no GPU is needed, only pip, a C compiler and the network:

    python tests/support/dump_trt_api.py           compare; exit code 1 if something differs
    python tests/support/dump_trt_api.py --write   write them again
"""

from __future__ import annotations

import difflib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "trt_api"


@dataclass(frozen=True)
class Target:
    """One version of one package."""

    distributions: tuple[str, ...]
    """The one that is read first, then what its import needs."""
    module: str
    libraries: tuple[str, ...] = ()
    """That its extension is linked to."""


def _tensorrt(cuda: int, version: str) -> Target:
    major = version.partition(".")[0]
    names = ("nvinfer", "nvinfer_plugin", "nvonnxparser")
    libraries = tuple(f"lib{name}.so.{major}" for name in names)
    return Target((f"tensorrt-cu{cuda}-bindings=={version}",), "tensorrt_bindings", libraries)


TARGETS = {
    "10.3": _tensorrt(12, "10.3.0"),
    "10.16": _tensorrt(13, "10.16.1.11"),
    "11.4": _tensorrt(13, "11.4.0.106"),
    "rtx-1.7": Target(
        ("tensorrt-rtx-cu13-bindings==1.7.1.116",),
        "tensorrt_rtx_bindings",
        ("libtensorrt_rtx.so.1", "libtensorrt_onnxparser_rtx.so.1"),
    ),
    "cuda-12.9": Target(("cuda-bindings==12.9.4", "cuda-pathfinder"), "cuda.bindings.runtime"),
    "cuda-13.5": Target(("cuda-bindings==13.5.0", "cuda-pathfinder"), "cuda.bindings.runtime"),
}

# What edgeecho uses. Everything of these classes is written down, so that what is absent is known.
CLASSES = (
    "Builder", "IBuilderConfig", "IOptimizationProfile", "ITimingCache", "INetworkDefinition",
    "ITensor", "OnnxParser", "ParserError", "IHostMemory", "Runtime", "ICudaEngine",
    "IExecutionContext", "EngineInspector", "ILogger",
)  # fmt: skip
ENUMS = (
    "NetworkDefinitionCreationFlag", "BuilderFlag", "MemoryPoolType", "ProfilingVerbosity",
    "LayerInformationFormat", "TensorIOMode", "DataType", "ILogger.Severity",
)  # fmt: skip
CUDA_FUNCTIONS = (
    "cudaGetDeviceCount", "cudaGetDeviceProperties", "cudaDriverGetVersion", "cudaGetErrorString",
    "cudaMalloc", "cudaFree", "cudaMallocHost", "cudaFreeHost", "cudaMemcpyAsync",
    "cudaStreamCreateWithFlags", "cudaStreamSynchronize", "cudaStreamDestroy",
    "cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate", "cudaGraphLaunch",
    "cudaGraphDestroy", "cudaGraphExecDestroy", "cudaEventCreate", "cudaEventRecord",
    "cudaEventElapsedTime", "cudaEventDestroy",
)  # fmt: skip
CUDA_ENUMS = ("cudaError_t", "cudaMemcpyKind", "cudaStreamCaptureMode")
CUDA_CONSTANTS = ("cudaStreamNonBlocking",)

STUB = """
#define F(n) void* n(){return 0;}
F(createInferBuilder_INTERNAL) F(createInferRefitter_INTERNAL) F(createInferRuntime_INTERNAL)
F(createNvOnnxParserRefitter_INTERNAL) F(createNvOnnxParser_INTERNAL)
F(getBuilderPluginRegistry) F(getPluginRegistry) F(initLibNvInferPlugins)
int getNvOnnxParserVersion(){return 0;}
"""


def fetch(target: Target) -> dict[str, Any]:
    """Download a target, put the stub under it, and read it in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name]
        subprocess.run([*pip, "--only-binary=:all:", *target.distributions], check=True)
        for wheel in folder.glob("*.whl"):
            zipfile.ZipFile(wheel).extractall(folder / "site")
        (folder / "stub.c").write_text(STUB)
        for library in target.libraries:
            compiler = ["cc", "-w", "-shared", "-fPIC", "-o", str(folder / library)]
            subprocess.run([*compiler, str(folder / "stub.c")], check=True)
        env = {**os.environ, "PYTHONPATH": str(folder / "site"), "LD_LIBRARY_PATH": name}
        # Without the site packages: another version of the same module may be among them.
        command = [sys.executable, "-S", __file__, "--read", target.module]
        return json.loads(subprocess.run(command, env=env, check=True, capture_output=True).stdout)


def read(module: str) -> dict[str, Any]:
    """The API of an importable module."""
    found = import_module(module)
    return read_cuda(found) if module.startswith("cuda") else read_tensorrt(found)


def read_tensorrt(trt: Any) -> dict[str, Any]:
    return {
        "version": trt.__version__,
        "classes": {c: _members(getattr(trt, c)) for c in CLASSES if hasattr(trt, c)},
        "enums": {name: _values(_inside(trt, name).__members__) for name in ENUMS},
    }


def read_cuda(runtime: Any) -> dict[str, Any]:
    return {
        "version": import_module("cuda.bindings").__version__,
        "functions": {
            name: list(inspect.signature(getattr(runtime, name)).parameters)
            for name in CUDA_FUNCTIONS
        },
        "enums": {name: _values(getattr(runtime, name).__members__) for name in CUDA_ENUMS},
        "constants": {name: int(getattr(runtime, name)) for name in CUDA_CONSTANTS},
        "cudaDeviceProp": sorted(n for n in vars(runtime.cudaDeviceProp) if n[0] != "_"),
    }


def _inside(module: Any, path: str) -> Any:
    for name in path.split("."):
        module = getattr(module, name)
    return module


def _values(members: Any) -> dict[str, int]:
    return {name: int(value) for name, value in members.items()}


def _members(cls: Any) -> dict[str, Any]:
    """By name a list of overloads, or "property". Of networks only what is no layer."""
    names = [n for n in dir(cls) if n[0] != "_" and not n.startswith("add_")] + ["__init__"]
    names += [n for n in dir(cls) if n == "add_optimization_profile"]
    found = {}
    for name in sorted(names):
        member = getattr(cls, name)
        if isinstance(member, property):
            found[name] = "property"
        elif callable(member) and not isinstance(member, type):
            found[name] = _overloads(name, inspect.getdoc(member) or "")
    return found


def _overloads(name: str, doc: str) -> list[str]:
    """As pybind11 writes them in the first lines of a docstring, without the module's name."""
    lines = re.findall(rf"^(?:\d+\. )?{name}(\(self: .*)$", doc, re.MULTILINE)
    return [re.sub(r"\b\w+\.tensorrt(?:_rtx)?\.|nvonnxparser::", "", line) for line in lines]


def main() -> int:
    if sys.argv[1:2] == ["--read"]:
        print(json.dumps(read(sys.argv[2])))
        return 0
    differ = False
    for name, target in TARGETS.items():
        file = FOLDER / f"{name}.json"
        origin = target.distributions[0]
        text = json.dumps(fetch(target), indent=1) + "\n"
        if "--write" in sys.argv:
            file.write_text(text)
            continue
        old, new = file.read_text().splitlines(), text.splitlines()
        changes = list(difflib.unified_diff(old, new, file.name, origin, n=0, lineterm=""))
        print(f"{file.name}: {'differs from' if changes else 'as in'} {origin}")
        print("\n".join(changes), end="\n" if changes else "")
        differ |= bool(changes)
    return int(differ)


if __name__ == "__main__":
    sys.exit(main())
