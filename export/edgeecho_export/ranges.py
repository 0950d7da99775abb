"""Range of every tensor's values over a set of clips, for the FP16 check and for INT8."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable, Sized
from pathlib import Path
from typing import Protocol

import numpy as np
import onnx
from numpy.typing import NDArray

from edgeecho.common.console import words
from edgeecho_calibration.ranges import Ranges, collect_ranges
from edgeecho_export.graph import quantized_inputs


class Clips(Iterable[NDArray[np.float32]], Sized, Protocol):
    """Clips `(1, 3, T, S, S)`, or frames of one clip `(n, 3, S, S)`, yielded one at a time and
    iterable more than once."""


def collect(fp32: Path, clips: Clips, methods: Collection[str]) -> Ranges:
    """Ranges of all tensors, and what `methods` need for those that INT8 quantizes."""
    beyond = set(methods) - {"minmax"}
    wanted = quantized_inputs(fp32) if beyond else frozenset()
    words.print(f"ranges of all tensors over {len(clips)} clips")
    with tempfile.TemporaryDirectory(prefix=".work-", dir=fp32.parent) as work:
        probe = Path(work) / "probe.onnx"
        _write_probe(fp32, probe)
        return collect_ranges(probe, clips, wanted)


def _write_probe(fp32: Path, path: Path) -> None:
    """Write a copy of `fp32` with every float tensor that a node makes as a further output."""
    model = onnx.load(fp32)
    graph = model.graph
    known = {output.name for output in graph.output}
    made = {name for node in graph.node for name in node.output}
    graph.output.extend(
        value
        for value in graph.value_info
        if value.name in made - known and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    )
    lacking = made - known - {value.name for value in graph.value_info}
    if lacking:
        raise RuntimeError(f"tensors without a type: {sorted(lacking)}")
    onnx.save(model, path)
