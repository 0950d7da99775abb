"""Building an engine of a bundle's ONNX file, checking its layers and writing it with a sidecar."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.about import VERSION
from edgeecho.common.console import words
from edgeecho.common.errors import EngineError, ModelError, VerificationError
from edgeecho.common.files import atomic_path, write_json
from edgeecho.engines.nvidia.cuda import Device, probe
from edgeecho.engines.sidecar import FOLDER, sidecar_of
from edgeecho.engines.tensorrt.built import TensorRTSidecar, platform_name
from edgeecho_export.checks.lint import check_qdq
from edgeecho_export.targets.layers import (
    LayerReport,
    expected_inputs,
    parse_inspected,
    read_inspected,
    read_layers,
)
from edgeecho_export.targets.library import RTX, TENSORRT, TensorRTLibrary
from edgeecho_export.targets.network import Built, Plan, build_apart, choose_capabilities


@dataclass(frozen=True)
class Published:
    """An engine that was written into its bundle."""

    path: Path
    sidecar: TensorRTSidecar
    report: LayerReport


@dataclass(frozen=True)
class Target:
    """What builds an engine, and for which GPU."""

    library: TensorRTLibrary
    version: str
    """Version of the builder."""
    capabilities: tuple[str, ...]
    device: Device | None = None
    """The GPU that TensorRT builds for; None with TensorRT-RTX."""

    def file_name(self, precision: str) -> str:
        """A name that differs between GPUs, versions and precisions."""
        gpu = [re.sub(r"[^a-z0-9]+", "-", self.device.label.lower())] if self.device else []
        parts = (precision, self.library.engine.name, self.version, *self.capabilities, *gpu)
        return "-".join(parts).rstrip("-") + ".engine"


def build_rtx(
    bundle: Path, precision: str, capabilities: Sequence[str], batch: tuple[int, int, int]
) -> Published:
    """Build one TensorRT-RTX engine for all `capabilities`, on any x86-64 CPU; no GPU is used.

    One engine serves them all: its kernels are compiled on the device, and the weights, nearly all
    of its size, are stored once.

    `ModelError` if the ONNX file cannot be used (for INT8 with the broken Q/DQ rules),
    `EngineError` if the builder refuses, `VerificationError` if it gave a convolution another
    precision than the file asks for. Then nothing is written.
    """
    trt = RTX.load()
    target = Target(RTX, trt.__version__, choose_capabilities(trt, capabilities))
    source, model, built = _build(bundle, precision, target, Plan(batch, target.capabilities))
    report = read_layers(built.log, model)
    _check_layers(report, model, source)
    return _publish(target, batch, source, model, built, report)


def build_tensorrt(
    bundle: Path,
    precision: str,
    batch: tuple[int, int, int],
    *,
    workspace_mb: int | None = None,
    timing_cache: Path | None = None,
) -> Published:
    """Build one TensorRT engine for this machine's GPU; errors as in `build_rtx`.

    `timing_cache` is read if it exists and written after the build, so that the next build of a
    similar network takes less time. The sidecar holds the inspector's report, which is not
    compared with the file, since TensorRT may hide a network in one layer: `edgeecho verify`
    checks the engine's EF.
    """
    trt = TENSORRT.load()
    device = probe()
    target = Target(TENSORRT, trt.__version__, (device.compute_capability,), device)
    words.print(f"building for {device.label}: TensorRT times many kernels, which takes minutes")
    cache = None
    if timing_cache is not None:
        cache = timing_cache.read_bytes() if timing_cache.is_file() else b""
    plan = Plan(batch, workspace_mb=workspace_mb, timing_cache=cache)
    source, model, built = _build(bundle, precision, target, plan)
    if timing_cache is not None:
        with atomic_path(timing_cache) as temporary:
            temporary.write_bytes(built.timing_cache)
    memory = read_layers(built.log, model).activation_bytes
    report = read_inspected(parse_inspected(built.inspected), model)
    report = replace(report, activation_bytes=memory)
    return _publish(target, batch, source, model, built, report)


def _build(
    bundle: Path, precision: str, target: Target, plan: Plan
) -> tuple[ModelFile, onnx.ModelProto, Built]:
    if not bundle.is_dir():
        raise ModelError(f"{bundle} is no bundle folder: make one with `edgeecho export`")
    source = open_model(bundle, precision=precision)
    # Hashed again, so that exactly these bytes are built even if the file changes meanwhile.
    data = source.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise ModelError(f"{source.path} changed while it was read: try again")
    model = onnx.load_from_string(data)
    if precision == "int8":
        check_qdq(model, source.path.name)
    try:
        return source, model, build_apart(target.library, data, plan)
    except EngineError as error:
        what = f"{target.library.engine.name} {target.version}"
        raise EngineError(f"{what} cannot build {source.path.name}: {error}") from error


def _check_layers(report: LayerReport, model: onnx.ModelProto, source: ModelFile) -> None:
    expected = expected_inputs(model)
    found = {c.name: c.input for c in report.convolutions}
    wrong = {name: kind for name, kind in expected.items() if found.get(name) != kind}
    if wrong:
        name, kind = next(iter(wrong.items()))
        raise VerificationError(
            f"{len(wrong)} of {len(expected)} convolutions of {source.path.name} were built in "
            f"another precision than the file asks for, first {name}: {kind} was asked for, "
            f"{found.get(name, 'no such layer')} was built: no engine was written, "
            "try another version of TensorRT"
        )


def _clip_shape(model: onnx.ModelProto) -> tuple[int, ...]:
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    return tuple(d.dim_value for d in dimensions)[1:]


def _publish(
    target: Target,
    batch: tuple[int, int, int],
    source: ModelFile,
    model: onnx.ModelProto,
    built: Built,
    report: LayerReport,
) -> Published:
    """Write `engines/NAME.engine` and `NAME.json` beside the ONNX file."""
    path = source.path.parent / FOLDER / target.file_name(source.precision)
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
        batch=batch,
        input_shape=_clip_shape(model),
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
