"""An engine's name and sidecar, and writing both into the bundle."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from edgeecho.bundle import ModelFile
from edgeecho.common.about import VERSION
from edgeecho.common.files import atomic_path, write_json
from edgeecho.engines.nvidia.cuda import Device
from edgeecho.engines.sidecar import FOLDER, sidecar_of
from edgeecho.engines.tensorrt.built import TensorRTSidecar, platform_name
from edgeecho_export.targets.layers import LayerReport, parse_inspected
from edgeecho_export.targets.library import TensorRTLibrary
from edgeecho_export.targets.network import Built, Plan


@dataclass(frozen=True)
class Published:
    """An engine that was written into its bundle."""

    path: Path
    sidecar: TensorRTSidecar
    report: LayerReport
    others: tuple[Published, ...] = ()
    """Those of the shared graph and of the segmentation, if they are there."""


@dataclass(frozen=True)
class Target:
    """What builds an engine, and for which GPU."""

    library: TensorRTLibrary
    version: str
    """Version of the builder."""
    capabilities: tuple[str, ...]
    device: Device | None = None
    """The GPU that TensorRT builds for; None with TensorRT-RTX."""

    def file_name(self, graph: str) -> str:
        """A name that differs between GPUs, versions and graphs, such as `fp16-shared`."""
        gpu = [re.sub(r"[^a-z0-9]+", "-", self.device.label.lower())] if self.device else []
        parts = (graph, self.library.engine.name, self.version, *self.capabilities, *gpu)
        return "-".join(parts).rstrip("-") + ".engine"


def publish(
    target: Target,
    graph: str,
    source: ModelFile,
    plan: Plan,
    built: Built,
    report: LayerReport,
    shape: tuple[int, ...],
) -> Published:
    """Write `engines/NAME.engine` and `NAME.json` beside the ONNX file.

    `graph`: its part of the name; `shape`: of one clip or frame.
    """
    path = source.path.parent / FOLDER / target.file_name(graph)
    inspected = {"inspected": parse_inspected(built.inspected)} if built.inspected else {}
    sidecar = TensorRTSidecar(
        file=path.name,
        sha256=hashlib.sha256(built.data).hexdigest(),
        kind=target.library.engine.name,
        version=target.version,
        platform=platform_name(),
        precision=source.precision,
        onnx_file=source.path.name,
        onnx_sha256=source.sha256,
        compute_capabilities=target.capabilities,
        batch=plan.batch,
        input_shape=shape,
        layers={**report.to_dict(), **inspected},
        edgeecho=VERSION,
        gpu=target.device.label if target.device else "",
        cuda=target.device.cuda if target.device else "",
    )
    _write(path, built.data, sidecar)
    return Published(path, sidecar, report)


def _write(path: Path, data: bytes, sidecar: TensorRTSidecar) -> None:
    file = sidecar_of(path)
    # Both files are complete before either gets its name, so that only two renames lie between. If
    # the process ends there, it leaves an engine without a sidecar, which readers ignore.
    with atomic_path(file) as described:
        write_json(described, sidecar.to_dict())
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
            # An old sidecar never describes a new engine.
            file.unlink(missing_ok=True)
