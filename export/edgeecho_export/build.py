"""An engine of a bundle's ONNX file, checked layer by layer and published with its sidecar."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from edgeecho import __version__
from edgeecho.bundle import ModelFile, open_model
from edgeecho.bundle.sidecar import FOLDER, EngineSidecar, sidecar_of
from edgeecho.errors import EngineError, ModelError, VerificationError
from edgeecho.files import atomic_path, write_json
from edgeecho_export.layers import LayerReport, expected_inputs, read_layers
from edgeecho_export.lint import check_qdq
from edgeecho_export.trt import RTX, Kind, Plan, build_apart, choose_capabilities


@dataclass(frozen=True)
class Published:
    """An engine that was written."""

    path: Path
    sidecar: EngineSidecar
    report: LayerReport


def build_rtx(
    bundle: Path, precision: str, capabilities: Sequence[str], batch: tuple[int, int, int]
) -> Published:
    """Build one TensorRT-RTX engine for all `capabilities`, on any x86-64 CPU; no GPU is used.

    One engine serves them all: its kernels are made on the device, and the weights, which are
    nearly all of its size, are stored once.
    """
    trt = RTX.load()
    plan = Plan(batch, choose_capabilities(trt, capabilities))
    return build(bundle, precision, RTX, trt.__version__, plan)


def build(bundle: Path, precision: str, kind: Kind, version: str, plan: Plan) -> Published:
    """Build, and write `engines/NAME.engine` and `NAME.json` into `bundle`.

    `version` is that of the builder, for names and messages.

    `ModelError` where the ONNX file cannot be used (of INT8 with the broken rules of its Q/DQ),
    `EngineError` where the builder refuses, `VerificationError` where it gave a convolution
    another precision than the file asks for. Nothing is written then.
    """
    if not bundle.is_dir():
        raise ModelError(f"{bundle} is no bundle folder: make one with `edgeecho export`")
    source = open_model(bundle, precision=precision)
    # Hashed anew: these very bytes are built, whatever happens to the file meanwhile.
    data = source.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise ModelError(f"{source.path} changed while it was read: try again")
    model = onnx.load_from_string(data)
    if precision == "int8":
        check_qdq(model, source.path.name)
    try:
        built = build_apart(kind, data, plan)
    except EngineError as error:
        raise EngineError(
            f"{kind.name} {version} cannot build {source.path.name}: {error}"
        ) from error
    report = read_layers(built.log, model)
    _check_layers(report, model, source)
    parts = (precision, kind.name, version, *plan.capabilities)
    path = bundle / FOLDER / f"{'-'.join(parts)}.engine"
    sidecar = EngineSidecar(
        file=path.name,
        sha256=hashlib.sha256(built.data).hexdigest(),
        kind=kind.name,
        version=version,
        platform=f"{platform.system()} {platform.machine()}",
        precision=precision,
        onnx_file=source.path.name,
        onnx_sha256=source.sha256,
        compute_capabilities=plan.capabilities,
        batch=plan.batch,
        input_shape=_clip_shape(model),
        layers=report.to_dict(),
        edgeecho=__version__,
    )
    _publish(path, built.data, sidecar)
    return Published(path, sidecar, report)


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


def _publish(path: Path, data: bytes, sidecar: EngineSidecar) -> None:
    file = sidecar_of(path)
    # Both are complete before either has its name, so that only two renames lie in between. What
    # ends the process there leaves an engine without a sidecar, which no reader takes for one.
    with atomic_path(file) as described:
        write_json(described, sidecar.to_dict())
        with atomic_path(path) as temporary:
            temporary.write_bytes(data)
            # At no moment does an old sidecar describe a new engine.
            file.unlink(missing_ok=True)
