"""Which of a bundle's built engines runs a model on this machine; the others are refused."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from edgeecho.bundle import ModelFile
from edgeecho.bundle.sidecar import FOLDER, EngineSidecar, read_sidecars
from edgeecho.common.errors import EngineError
from edgeecho.engines.cuda import Device


@dataclass(frozen=True)
class Machine:
    """What an engine must have been built for."""

    kind: str
    """`tensorrt` or `tensorrt-rtx`."""
    version: str
    """Of that."""
    device: Device

    def __str__(self) -> str:
        return (
            f"{self.kind} {self.version} on {self.device.label}, "
            f"{self.device.compute_capability}, {platform_name()}"
        )


def platform_name() -> str:
    """This platform as sidecars name it."""
    return f"{platform.system()} {platform.machine()}"


def choose_engine(model: ModelFile, machine: Machine) -> EngineSidecar:
    """The engine of `model` for `machine`; its bytes are not looked at.

    `EngineError` names both sides where there is none, and the command that builds one.
    """
    folder = model.path.parent
    sidecars, unusable = read_sidecars(folder)
    refused = list(unusable)
    for sidecar in sidecars:
        if (sidecar.kind, sidecar.precision) != (machine.kind, model.precision):
            continue
        reason = _misfit(sidecar, model, machine)
        if reason is None:
            return sidecar
        refused.append(f"{sidecar.file} {reason}")
    found = "; ".join(refused) or f"{folder.name}/{FOLDER} has none"
    command = f"edgeecho build BUNDLE --precision {model.precision} --engine {machine.kind}"
    if machine.kind == "tensorrt-rtx":
        command += f" --compute-capability {machine.device.compute_capability}"
    raise EngineError(
        f"no engine of {model.path.name} for this machine ({machine}): {found}; "
        f"build one: {command}"
    )


def _misfit(sidecar: EngineSidecar, model: ModelFile, machine: Machine) -> str | None:
    """What keeps an engine from running here, the first of all reasons; None: nothing."""
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
