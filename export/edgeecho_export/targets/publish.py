"""Building the engines of a bundle's graphs and checking their layers, before they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import onnx

from edgeecho.bundle import ModelFile, open_model
from edgeecho.common.console import words
from edgeecho.common.errors import EngineError, ModelError, VerificationError
from edgeecho.common.files import atomic_path
from edgeecho.engines import segmentation_file
from edgeecho.engines.nvidia.cuda import probe
from edgeecho_export.checks.lint import check_qdq
from edgeecho_export.targets.layers import (
    LayerReport,
    expected_inputs,
    parse_inspected,
    read_inspected,
    read_layers,
)
from edgeecho_export.targets.library import RTX, TENSORRT
from edgeecho_export.targets.network import Built, Plan, build_apart, choose_capabilities
from edgeecho_export.targets.written import Published, Target, publish


def build_rtx(
    bundle: Path,
    precision: str,
    capabilities: Sequence[str],
    batch: tuple[int, int, int],
    *,
    shared: bool = True,
) -> Published:
    """Build one TensorRT-RTX engine for all `capabilities`, on any x86-64 CPU; no GPU is used.

    One engine serves them all: its kernels are compiled on the device, and the weights, nearly all
    of its size, are stored once. `shared`: also one of the shared graph, where the model has one.
    A segmentation that the bundle has is built too.

    `ModelError` if the ONNX file cannot be used (for INT8 with the broken Q/DQ rules),
    `EngineError` if the builder refuses, `VerificationError` if it gave a convolution another
    precision than the file asks for. Then nothing is written.
    """
    trt = RTX.load()
    target = Target(RTX, trt.__version__, choose_capabilities(trt, capabilities))
    built = _build(bundle, precision, target, Plan(batch, target.capabilities), shared)
    for one in built:
        _check_layers(one.report, one.model, one.source)
    return _publish(target, built)


def build_tensorrt(
    bundle: Path,
    precision: str,
    batch: tuple[int, int, int],
    *,
    workspace_mb: int | None = None,
    timing_cache: Path | None = None,
    shared: bool = True,
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
    built = _build(bundle, precision, target, plan, shared)
    if timing_cache is not None:
        with atomic_path(timing_cache) as temporary:
            temporary.write_bytes(built[-1].built.timing_cache)
    return _publish(target, built)


@dataclass(frozen=True)
class _Graph:
    """One of a model's graphs, and the engine that was built of it."""

    name: str
    """In the engine's file name, such as `fp16-shared`."""
    source: ModelFile
    model: onnx.ModelProto
    plan: Plan
    built: Built

    @cached_property
    def report(self) -> LayerReport:
        told = read_layers(self.built.log, self.model)
        if not self.built.inspected:
            return told
        inspected = read_inspected(parse_inspected(self.built.inspected), self.model)
        return replace(inspected, activation_bytes=told.activation_bytes)


def _build(
    bundle: Path, precision: str, target: Target, plan: Plan, shared: bool
) -> tuple[_Graph, ...]:
    """The plain graph, and the shared one and the segmentation where they are wanted and there."""
    if not bundle.is_dir():
        raise ModelError(f"{bundle} is no bundle folder: make one with `edgeecho export`")
    source = open_model(bundle, precision=precision)
    graphs = [_plain_graph(precision, source, target, plan)]
    if shared and source.shared is not None:
        graph = replace(source, path=source.shared.path, sha256=source.shared.sha256)
        model = onnx.load(graph.path)  # with the weights of the plain file
        wider = shared_plan(_with_cache(plan, graphs), source.preprocess.frames)
        built = _run(target, graph, model.SerializeToString(), wider)
        graphs.append(_Graph(f"{precision}-shared", graph, model, wider, built))
    if source.segmentation is not None:
        masks, frames = segmentation_file(source), replace(_with_cache(plan, graphs), batch=_FRAMES)
        graphs.append(_plain_graph(f"{precision}-segmentation", masks, target, frames))
    return tuple(graphs)


_FRAMES = (1, 16, 16)
"""Frames in a run of the segmentation: up to 16, the number that inference asks for."""


def _plain_graph(name: str, source: ModelFile, target: Target, plan: Plan) -> _Graph:
    # Hashed again, so that exactly these bytes are built even if the file changes meanwhile.
    data = source.path.read_bytes()
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise ModelError(f"{source.path} changed while it was read: try again")
    model = onnx.load_from_string(data)
    if source.precision == "int8":
        check_qdq(model, source.path.name)
    return _Graph(name, source, model, plan, _run(target, source, data, plan))


def _with_cache(plan: Plan, graphs: Sequence[_Graph]) -> Plan:
    """`plan` with what TensorRT learnt from the graph before, if it is to be kept."""
    if plan.timing_cache is None:
        return plan
    return replace(plan, timing_cache=graphs[-1].built.timing_cache)


def shared_plan(plan: Plan, frames: int) -> Plan:
    """For the shared graph of clips of `frames`: up to 16 in a run, the most that inference asks.

    16 successive clips that share states have 30 frames more than one. With 60 more, the demo's
    plan in FP16 takes 696 MB, where one of 8 clips alone takes 546. What reaches further is run in
    parts.
    """
    return replace(plan, batch=(1, 16, 16), frames=(frames, frames + 30, frames + 60))


def _run(target: Target, source: ModelFile, data: bytes, plan: Plan) -> Built:
    try:
        return build_apart(target.library, data, plan)
    except EngineError as error:
        what = f"{target.library.engine.name} {target.version}"
        mend = "; leave it out with --no-shared" if plan.frames else ""
        raise EngineError(f"{what} cannot build {source.path.name}: {error}{mend}") from error


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


def _publish(target: Target, graphs: Sequence[_Graph]) -> Published:
    plain, *others = (
        publish(target, one.name, one.source, one.plan, one.built, one.report, _shape(one, graphs))
        for one in graphs
    )
    return replace(plain, others=tuple(others))


def _shape(one: _Graph, graphs: Sequence[_Graph]) -> tuple[int, ...]:
    """Shape of what a batch counts: a frame, or a clip, also where frames are shared."""
    graph = (graphs[0] if one.plan.frames else one).model.graph
    return tuple(d.dim_value for d in graph.input[0].type.tensor_type.shape.dim)[1:]
