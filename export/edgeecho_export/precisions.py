"""FP16 and INT8 artefacts beside `fp32.onnx`, each through its gates."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import Artefact, RangeCheck, Verification, open_model
from edgeecho.common.console import words
from edgeecho.common.errors import VerificationError
from edgeecho.common.files import sha256_file
from edgeecho.engines import cpu_engine, load_engine
from edgeecho.tools.verify import Drift, HeldOut, Limits, measure_drift
from edgeecho_calibration.histogram import choose_range
from edgeecho_calibration.ranges import Ranges, collect_ranges
from edgeecho_export.fp16 import kept_in_fp32, write_fp16
from edgeecho_export.int8 import shift_answers, write_int8
from edgeecho_export.parity import verify, verify_arithmetic
from edgeecho_export.probe import largest_weights, quantized_inputs, write_probe
from edgeecho_export.to_onnx import OPSET

RANGE_LIMIT = 65504 / 4
"""Of FP16's largest number a quarter: patients differ from the few clips that were looked at."""


class Clips(Iterable[NDArray[np.float32]], Sized, Protocol):
    """Clips `(1, 3, T, S, S)` that can be gone through one at a time."""


def collect(fp32: Path, clips: Clips, methods: tuple[str, ...]) -> Ranges:
    """Ranges of all tensors, and what `methods` need of those that INT8 quantizes."""
    beyond = set(methods) - {"minmax"}
    wanted = quantized_inputs(fp32) if beyond else frozenset()
    words.print(f"ranges of all tensors over {len(clips)} clips")
    with tempfile.TemporaryDirectory(prefix=".work-", dir=fp32.parent) as work:
        probe = Path(work) / "probe.onnx"
        write_probe(fp32, probe)
        return collect_ranges(probe, clips, wanted)


def check_range(fp32: Path, ranges: Ranges, source: str) -> RangeCheck:
    """The range part of the FP16 gate; `VerificationError` above a quarter of what FP16 holds."""
    values = {**ranges.largest, **largest_weights(fp32)}
    values = {name: values[name] for name in values.keys() - kept_in_fp32(fp32)}
    # A NaN is larger than all.
    tensor = max(values, key=lambda name: math.inf if math.isnan(values[name]) else values[name])
    if not values[tensor] <= RANGE_LIMIT:
        raise VerificationError(
            f"fp16.onnx (range) cannot hold {tensor}, which reaches {values[tensor]:.4g} in FP32; "
            f"a quarter of FP16's 65504 is allowed: no bundle was written; leave --fp16 out"
        )
    return RangeCheck(len(values), ranges.clips, source, tensor, values[tensor], RANGE_LIMIT)


def add_fp16(fp32: Path, held_out: HeldOut, limits: Limits, found: RangeCheck) -> Artefact:
    """Write `fp16.onnx` beside `fp32` and put it through weights and arithmetic."""
    path = fp32.with_name("fp16.onnx")
    held_out = held_out.of_precision("fp16")
    write_fp16(fp32, path)
    words.print("FP16: range holds; weights on CPU engines, arithmetic in PyTorch")
    checks = (
        *verify(path, held_out, limits, part="weights"),
        verify_arithmetic(path, held_out, limits),
    )
    return Artefact(path.name, sha256_file(path), "fp16", OPSET, checks, found)


@dataclass(frozen=True)
class Quantized:
    """INT8, and how it came about."""

    artefact: Artefact
    method: str
    methods: tuple[Mapping[str, Any], ...]
    """Drift of each method that was tried, in EF points on held-out clips."""


def add_int8(
    fp32: Path,
    held_out: HeldOut,
    limits: Limits,
    ranges: Ranges,
    methods: tuple[str, ...],
    clips: Clips,
    float_layers: tuple[str, ...] = (),
) -> Quantized:
    """Write `int8.onnx` by the method with the smallest mean drift that passes the gate.

    `clips` are those of the calibration. Rounding moves the mean of what each layer makes, and all
    of it arrives at the answer as nearly one number; on these clips it is measured and taken off
    (bias correction: Nagel et al., ICCV 2019; here of the last layer). `VerificationError` of the
    best method where none passes.
    """
    path = fp32.with_name("int8.onnx")
    drifts: dict[str, Drift] = {}
    shifts: dict[str, float] = {}
    expected = _mean_ef(fp32, clips)
    with tempfile.TemporaryDirectory(prefix=".work-", dir=fp32.parent) as work:
        for method in methods:
            candidate = Path(work) / f"{method}.onnx"
            write_int8(fp32, candidate, _tops(fp32, ranges, method), float_layers)
            shifts[method] = expected - _mean_ef(candidate, clips)
            shift_answers(candidate, shifts[method])
            engine = load_engine(cpu_engine(), open_model(candidate))
            drifts[method] = measure_drift(engine, held_out, batches=(1,))
            words.print(
                f"INT8 by {method}: drift mean {drifts[method].mean:.3f}, "
                f"p95 {drifts[method].p95:.3f}, max {drifts[method].max:.3f} EF points "
                f"(answers shifted by {shifts[method]:+.3f})"
            )
        # A NaN comes last.
        ranked = sorted(drifts, key=lambda m: (math.isnan(drifts[m].mean), drifts[m].mean))
        kept, checks = _first_that_passes(Path(work), ranked, held_out, limits)
        (Path(work) / f"{kept}.onnx").replace(path)
    return Quantized(
        Artefact(path.name, sha256_file(path), "int8", OPSET, checks),
        kept,
        tuple(
            {
                "method": m,
                "mean_drift": d.mean,
                "p95_drift": d.p95,
                "max_drift": d.max,
                "shift": shifts[m],
            }
            for m, d in drifts.items()
        ),
    )


def _mean_ef(file: Path, clips: Clips) -> float:
    """In %, one clip at a time."""
    engine = load_engine(cpu_engine(), open_model(file))
    return float(np.mean([engine.run(clip).ef for clip in clips], dtype=np.float64))


def _first_that_passes(
    folder: Path, methods: list[str], held_out: HeldOut, limits: Limits
) -> tuple[str, tuple[Verification, ...]]:
    """The methods were compared on one engine; another may miss the gate that is of them all."""
    failure: VerificationError | None = None
    for method in methods:
        try:
            return method, verify(folder / f"{method}.onnx", held_out, limits)
        except VerificationError as error:
            words.print(f"INT8 by {method} misses its gate: {error}")
            failure = failure or error
    raise failure or RuntimeError("no method was asked for")


def _tops(fp32: Path, ranges: Ranges, method: str) -> dict[str, float]:
    names = sorted(quantized_inputs(fp32))
    if method == "minmax":
        return {name: ranges.largest[name] for name in names}
    return {name: choose_range(ranges.histograms[name], method) for name in names}
