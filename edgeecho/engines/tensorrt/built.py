"""Choosing the plan of a bundle that runs a model on this machine."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle import ModelFile
from edgeecho.common.errors import EngineError
from edgeecho.engines.nvidia.cuda import Device
from edgeecho.engines.sidecar import FOLDER, EngineSidecar, read_sidecars
from edgeecho.engines.tensorrt import RTX, TENSORRT


@dataclass(frozen=True, kw_only=True)
class TensorRTSidecar(EngineSidecar):
    """The sidecar of a plan built by TensorRT or TensorRT-RTX."""

    compute_capabilities: tuple[str, ...]
    """GPU generations that can run it, such as `sm86`."""
    layers: Mapping[str, Any]
    """What the builder made of the network, see `edgeecho_export.targets.layers`."""
    gpu: str = ""
    """The GPU on which it was built, the only one that runs it; empty: any of the capabilities."""
    cuda: str = ""
    """Newest CUDA version of that GPU's driver; for information, not compared."""


@dataclass(frozen=True)
class Machine:
    """What a plan must have been built for."""

    kind: str
    """`tensorrt` or `tensorrt-rtx`."""
    version: str
    """Version of that library."""
    device: Device

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.version} on {self.device.label}, "
            f"{self.device.compute_capability}, {platform_name()}"
        )


def platform_name() -> str:
    """This platform, as sidecars name it."""
    return f"{platform.system()} {platform.machine()}"


def read_engines(bundle: Path) -> tuple[tuple[TensorRTSidecar, ...], tuple[str, ...]]:
    """All TensorRT and TensorRT-RTX plans of a bundle; see `read_sidecars`."""
    return read_sidecars(bundle, TensorRTSidecar, (TENSORRT, RTX))


def choose_engine(model: ModelFile, machine: Machine) -> TensorRTSidecar:
    """The plan of `model` for `machine`; its bytes are not read.

    If there is none, `EngineError` says what was found and gives the command that builds one.
    """
    folder = model.path.parent
    sidecars, unusable = read_engines(folder)
    refused = list(unusable)
    for sidecar in sidecars:
        if (sidecar.kind, sidecar.precision) != (machine.kind, model.precision):
            continue
        # A precision's two graphs have an engine each.
        if sidecar.onnx_file != model.path.name:
            continue
        reason = _misfit(sidecar, model, machine)
        if reason is None:
            return sidecar
        refused.append(f"{sidecar.file} {reason}")
    found = "; ".join(refused) or f"{folder.name}/{FOLDER} has none"
    command = f"edgeecho build BUNDLE --precision {model.precision} --engine {machine.kind}"
    if machine.kind == RTX:
        command += f" --compute-capability {machine.device.compute_capability}"
    raise EngineError(
        f"no engine of {model.path.name} for this machine ({machine}): {found}; "
        f"build one: {command}"
    )


def _misfit(sidecar: TensorRTSidecar, model: ModelFile, machine: Machine) -> str | None:
    """The first reason why a plan cannot run here; None if it can."""
    device = machine.device
    if sidecar.onnx_sha256 != model.sha256:
        return f"is stale (of an ONNX file {sidecar.onnx_sha256[:12]}…, not {model.sha256[:12]}…)"
    if sidecar.version != machine.version:
        return f"is of {sidecar.kind} {sidecar.version}"
    if sidecar.platform != platform_name():
        return f"is of {sidecar.platform}"
    if device.compute_capability not in sidecar.compute_capabilities:
        return f"is for {', '.join(sidecar.compute_capabilities)}"
    if sidecar.gpu not in ("", device.label):
        return f"is for {sidecar.gpu}"
    return None
