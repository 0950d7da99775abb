"""NVIDIA driver, CUDA and TensorRT.

TensorRT is not imported here: without a driver it can end the process. Where there is a GPU, the
engine does it.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from edgeecho.common.text import reason
from edgeecho.tools.doctor.findings import Finding

_DRIVER = Path("/proc/driver/nvidia/version")
_JETSON = Path("/etc/nv_tegra_release")


def find_driver() -> tuple[Finding, ...]:
    """The kernel module's version first, then the cards, if `nvidia-smi` is there to name them."""
    found = []
    # The line also names the account and machine that built the driver, so only the number is used.
    line = _read(_DRIVER)
    version = re.search(r"\b\d{3,}\.\d+(?:\.\d+)?\b", line)
    if version:
        found.append(Finding("driver", "ok", version.group()))
    if release := re.match(r"# (R\d+) \(release\), REVISION: ([\d.]+)", _read(_JETSON)):
        found.append(Finding("Jetson Linux", "ok", f"{release.group(1)}.{release.group(2)}"))
    found += [Finding("GPU", "ok", name) for name in _smi_names()]
    return tuple(found) or (Finding("driver", "absent", "none found; the CPU engines need none"),)


def _smi_names() -> list[str]:
    if shutil.which("nvidia-smi") is None:
        return []
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()]


def find_cuda() -> Finding:
    if find_spec("cuda") is None:
        return Finding("CUDA", "absent", "cuda-bindings is not installed, so it was not tried")
    try:
        from edgeecho.engines.nvidia.cuda import probe

        device = probe()
    except Exception as error:  # noqa: BLE001 - without a driver it raises whatever it likes
        return Finding("CUDA", "absent", f"cannot be used: {reason(error)}")
    detail = f"{device.label}, {device.compute_capability}, driver for CUDA {device.cuda}"
    return Finding("CUDA", "ok", detail)


def find_tensorrt() -> Finding:
    installed = sorted(
        {
            f"{dist.metadata['Name']} {dist.version}"
            for dist in metadata.distributions()
            if (dist.metadata["Name"] or "").lower().startswith("tensorrt")
        }
    )
    if installed:
        return Finding("TensorRT", "ok", "installed: " + ", ".join(installed))
    if find_spec("tensorrt") is not None:
        return Finding("TensorRT", "ok", "installed, version unknown")
    return Finding("TensorRT", "absent", "not installed; the CPU engines do not need it")


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
