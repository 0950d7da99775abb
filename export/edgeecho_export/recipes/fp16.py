"""FP32 ONNX to FP16: body in FP16; head, input and outputs in FP32.

The converter is onnxruntime's (`onnxruntime.transformers.float16`). onnxconverter-common, from
which it was taken, is no longer maintained (microsoft/Olive pull request 1132 dropped it for that
reason), and onnxruntime is needed here anyway.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import onnx

from edgeecho.common.console import words
from edgeecho_export.checks.arithmetic import verify_arithmetic
from edgeecho_export.checks.parity import verify
from edgeecho_export.checks.range import check_range
from edgeecho_export.graph import check_graph, head_nodes, set_precision
from edgeecho_export.recipes.base import ExportRecipe, RecipeResult, Workspace
from edgeecho_export.segmentation.work import MaskResult, MaskWork


class Fp16(ExportRecipe):
    """Checked in three parts: range, weights and arithmetic."""

    name = "fp16"

    def make(self, work: Workspace, path: Path) -> RecipeResult:
        found = check_range(work.fp32, work.ranges, _source(work))
        write_fp16(work.fp32, path)
        words.print("FP16: range holds; weights on CPU engines, arithmetic in PyTorch")
        drift_check = work.drift_check(self.name)
        checks = (*verify(path, drift_check, part="weights"), verify_arithmetic(path, drift_check))
        return RecipeResult(checks, range=found)

    def make_masks(self, work: MaskWork, path: Path) -> MaskResult:
        found = check_range(work.fp32, work.ranges, _source(work.work))
        write_fp16(work.fp32, path)
        gate = work.gate(self.name)
        checks = (*gate.verify(path, part="weights"), gate.verify_arithmetic(path))
        return MaskResult(checks, range=found)


def _source(work: Workspace) -> str:
    return "reference clips" if work.calibration is None else "calibration set"


def write_fp16(fp32: Path, path: Path) -> None:
    """Convert `fp32`, a file of `write_onnx`, to FP16 and write it to `path`.

    The EF network's head (pooling and what follows) stays in FP32: near an EF of 55 % a 16-bit
    float has steps of 0.03, and the embedding is FP32 too. Between two nodes that it is told to
    leave alone, the converter casts to FP16 and back, which rounds all the same; so it is given the
    body only.
    """
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = onnx.load(fp32)
    head = head_nodes(model)
    body = _body(model, head)
    body = convert_float_to_float16(body, keep_io_types=True)
    _append_head(body, model, head)
    set_precision(body, Fp16.name)
    check_graph(body)
    onnx.save(body, path)


def _body(model: onnx.ModelProto, head: list[onnx.NodeProto]) -> onnx.ModelProto:
    body = copy.deepcopy(model)
    if not head:
        return body
    graph, last = body.graph, head[0].input[0]
    del graph.node[len(graph.node) - len(head) :]
    inputs = {name for node in graph.node for name in node.input}
    made = {name for node in graph.node for name in node.output}
    _keep(graph.initializer, inputs)
    (features,) = (value for value in graph.value_info if value.name == last)
    del graph.output[:]
    graph.output.append(features)
    _keep(graph.value_info, made - {last})
    return body


def _keep(items: Any, names: set[str]) -> None:
    kept = [item for item in items if item.name in names]
    del items[:]
    items.extend(kept)


def _append_head(body: onnx.ModelProto, model: onnx.ModelProto, head: list[onnx.NodeProto]) -> None:
    graph = body.graph
    # The converter appends its casts at the end; ONNX needs each node after its inputs.
    entry = graph.input[0].name
    first = [node for node in graph.node if entry in node.input]
    rest = [node for node in graph.node if entry not in node.input]
    del graph.node[:]
    graph.node.extend([*first, *rest, *head])
    read = {name for node in head for name in node.input}
    graph.initializer.extend(i for i in model.graph.initializer if i.name in read)
    made = {name for node in head for name in node.output}
    graph.value_info.extend(v for v in model.graph.value_info if v.name in made)
    del graph.output[:]
    graph.output.extend(model.graph.output)


RECIPE = Fp16()
