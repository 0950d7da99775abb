"""What of a GPU's software this machine has: `python machine.py OUT`.

Writes after each thing that was looked at, since some libraries end the process that loads them.
"""

from __future__ import annotations

import ctypes
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

# Before OpenVINO and ONNX Runtime, which call home when they are imported first.
from edgeecho.common.environment import read_environment
from edgeecho.common.files import write_json
from edgeecho.common.text import reason
from edgeecho.engines import engines
from edgeecho.tools.doctor.engines import find_engines
from edgeecho.tools.doctor.gpu import find_driver

LIBRARIES = {
    "CUDA runtime": ("libcudart.so", "cudaRuntimeGetVersion"),
    "cuDNN": ("libcudnn.so", "cudnnGetVersion"),
    "TensorRT": ("libnvinfer.so", "getInferLibVersion"),
}
NUMBERS = ("", ".13", ".12", ".11", ".10", ".9", ".8")
PACKAGES = ("torch", "torchvision", "triton", "onnx", "onnxruntime", "onnxruntime-gpu", "openvino",
            "cuda-bindings", "nvidia-cudnn", "nvidia-cuda-runtime", "tensorrt",
            "tensorrt-rtx")  # fmt: skip
_SMI = "name,driver_version,memory.total,compute_cap,power.limit,clocks.max.sm,mig.mode.current"


def main() -> None:
    """Look at everything, the harmless first."""
    found: dict[str, Any] = {"gpu": None, "lacks": []}
    looks: dict[str, Callable[[], Any]] = {
        "environment": lambda: asdict(read_environment()) | {"machine": platform.machine()},
        "nvidia-smi": lambda: _said("nvidia-smi", f"--query-gpu={_SMI}", "--format=csv"),
        "Jetson Linux": _jetson,
        "CUDA toolkit": lambda: (_said("nvcc", "--version") or [""])[-1],
        "trtexec": lambda: shutil.which("trtexec") and "found",
        "packages": _packages,
        "gpu": _gpu,
        "PyTorch": _torch,
        **{name: lambda w=what: _library(*w) for name, what in LIBRARIES.items()},
        "ONNX Runtime's providers": _providers,
        "engines": _engines,
    }  # fmt: skip
    for name, look in looks.items():
        try:
            found[name] = look() or None
        except Exception as error:  # noqa: BLE001 - broken packages raise whatever they like
            found[name] = None
            found["lacks"].append(f"{name}: {reason(error)}")
        write_json(Path(sys.argv[1]), found)


def _said(*command: str) -> list[str]:
    if shutil.which(command[0]) is None:
        return []
    done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=True)
    return done.stdout.strip().splitlines()


def _jetson() -> str | None:
    return next((f.detail for f in find_driver() if f.name == "Jetson Linux"), None)


def _packages() -> dict[str, str]:
    installed = {(d.metadata["Name"] or "").lower(): d.version for d in metadata.distributions()}
    return {n: v for n, v in sorted(installed.items()) if n.startswith(PACKAGES)}


def _gpu() -> dict[str, Any]:
    from edgeecho.engines.nvidia.cuda import probe

    return asdict(probe())


def _torch() -> dict[str, Any]:
    import torch

    cuda = torch.cuda.is_available()
    return {
        "version": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),
        "GPU": torch.cuda.get_device_name(0) if cuda else None,
    }


def _library(name: str, function: str) -> dict[str, Any] | None:
    """Of the names that the loader finds, the newest; PyTorch has loaded those that it brings."""
    for number in NUMBERS:
        try:
            library = ctypes.CDLL(name + number)
        except OSError:
            continue
        version = getattr(library, function)
        if function.startswith("cuda"):
            value = ctypes.c_int()
            version(ctypes.byref(value))
            return {"file": name + number, "version": value.value}
        version.restype = ctypes.c_size_t if function.startswith("cudnn") else ctypes.c_int
        return {"file": name + number, "version": version()}
    return None


def _providers() -> list[str]:
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def _engines() -> list[dict[str, str]]:
    """Those that are installed, each with what doctor finds when it runs a tiny network."""
    found = {finding.name: finding for finding in find_engines()}
    return [
        {"name": e.name, "device": e.device, "status": found[e.name].status,
         "detail": found[e.name].detail}
        for e in engines() if e.available
    ]  # fmt: skip


if __name__ == "__main__":
    main()
