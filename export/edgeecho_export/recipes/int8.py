"""INT8, calibrated by several methods, of which the best is kept."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from edgeecho.bundle import open_model
from edgeecho.common.console import words
from edgeecho.common.errors import UsageError, VerificationError
from edgeecho.engines import load_on_cpu
from edgeecho.tools.verify import measure_drift
from edgeecho_calibration.histogram import choose_range
from edgeecho_calibration.ranges import Ranges
from edgeecho_export.checkpoint import LoadedCheckpoint
from edgeecho_export.checks.parity import DriftCheck, verify
from edgeecho_export.graph import STEM, quantized_inputs
from edgeecho_export.quantize import shift_answers, write_int8
from edgeecho_export.ranges import Clips
from edgeecho_export.recipes.base import ExportOptions, ExportRecipe, RecipeResult, Workspace
from edgeecho_export.segmentation.work import MaskResult, MaskWork

T = TypeVar("T")


class Int8(ExportRecipe):
    """By the method with the smallest mean drift that passes the drift checks.

    Rounding shifts the mean of each layer's output, which shifts all EFs by nearly the same amount.
    That shift is measured on the calibration set and subtracted (bias correction: Nagel et al.,
    ICCV 2019; here in the last layer only).
    """

    name = "int8"

    def refuse(self, source: LoadedCheckpoint, options: ExportOptions) -> None:
        check_layers(source.network, options.float_layers)

    def make(self, work: Workspace, path: Path) -> RecipeResult:
        """See `ExportRecipe.make`; if no method passes, the error is that of the best."""
        if work.calibration is None:
            raise RuntimeError("INT8 needs a calibration set")
        drift_check = work.drift_check(self.name)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=path.parent) as folder:
            tried = _try_methods(work, drift_check, work.calibration, Path(folder))
            kept, checks = _first_that_passes(
                {file: facts["mean_drift"] for file, facts in tried.items()},
                lambda file: verify(file, drift_check, advice=_ADVICE),
            )
            kept.replace(path)
        calibration = {
            "method": kept.stem,
            "methods": list(tried.values()),
            "float_layers": list(work.options.float_layers),
        }
        return RecipeResult(checks, calibration=calibration)

    def make_masks(self, work: MaskWork, path: Path) -> MaskResult:
        """The method with the largest Dice coefficient; no answer is shifted.

        If no method's masks pass, FP32's are taken: a light network is hardly faster in INT8, and
        what it costs beside the EF network is little.
        """
        gate = work.gate(self.name)
        with tempfile.TemporaryDirectory(prefix=".work-", dir=path.parent) as folder:
            tried = {}
            for method in work.work.options.methods:
                file = Path(folder) / f"{method}.onnx"
                write_int8(work.fp32, file, _tops(work.fp32, work.ranges, method))
                tried[file] = gate.measure(file)
                words.print(f"INT8 masks by {method}: Dice {tried[file].dice:.5f}")
            losses = {file: 1 - drift.dice for file, drift in tried.items()}
            methods = [{"method": file.stem, **asdict(drift)} for file, drift in tried.items()]
            try:
                kept, checks = _first_that_passes(losses, gate.verify)
            except VerificationError:
                words.print("INT8 masks miss their limits: the INT8 network gets the FP32 masks")
                return MaskResult((), calibration={"method": None, "methods": methods})
            kept.replace(path)
        return MaskResult(checks, calibration={"method": kept.stem, "methods": methods})


def _try_methods(
    work: Workspace, drift_check: DriftCheck, clips: Clips, folder: Path
) -> dict[Path, dict[str, Any]]:
    """A file for each method, with its drift on one engine, in EF points, for the manifest."""
    ranges, expected = work.ranges, _mean_ef(work.fp32, clips)
    tried: dict[Path, dict[str, Any]] = {}
    for method in work.options.methods:
        file = folder / f"{method}.onnx"
        write_int8(work.fp32, file, _tops(work.fp32, ranges, method), work.options.float_layers)
        shift = expected - _mean_ef(file, clips)
        shift_answers(file, shift)
        engine = load_on_cpu(open_model(file))
        drift = measure_drift(engine, drift_check.reference_inputs, batches=(1,))
        words.print(
            f"INT8 by {method}: drift mean {drift.mean:.3f}, p95 {drift.p95:.3f}, "
            f"max {drift.max:.3f} EF points (answers shifted by {shift:+.3f})"
        )
        tried[file] = {
            "method": method,
            "mean_drift": drift.mean,
            "p95_drift": drift.p95,
            "max_drift": drift.max,
            "shift": shift,
        }
    return tried


_ADVICE = "return layers to float, see `edgeecho calibrate sensitivity --help`"


def _first_that_passes(drifts: Mapping[Path, float], check: Callable[[Path], T]) -> tuple[Path, T]:
    """The best file that passes on every engine; so far one engine has compared them."""
    failure: VerificationError | None = None
    # NaN comes last.
    for file in sorted(drifts, key=lambda file: (math.isnan(drifts[file]), drifts[file])):
        try:
            return file, check(file)
        except VerificationError as error:
            words.print(f"INT8 by {file.stem} misses its gate: {error}")
            failure = failure or error
    raise failure or RuntimeError("no method was asked for")


def check_layers(network: nn.Module, layers: Collection[str]) -> None:
    """`UsageError` if a layer is not in `network`, or if they are all that INT8 quantizes."""
    quantized = {
        name
        for name, module in network.named_modules()
        if isinstance(module, nn.Conv3d) and not name.startswith(STEM)
    }
    again = "make the analysis again with `edgeecho calibrate sensitivity`"
    if unknown := sorted(set(layers) - quantized):
        raise UsageError(f"--float-layers: {unknown[0]} is no layer of this network; {again}")
    if layers and set(layers) == quantized:
        raise UsageError(f"--float-layers leaves nothing for INT8: use FP16, or {again}")


def _mean_ef(file: Path, clips: Clips) -> float:
    """Mean EF in %, run one clip at a time."""
    engine = load_on_cpu(open_model(file))
    return float(np.mean([engine.run(clip).ef for clip in clips], dtype=np.float64))


def _tops(fp32: Path, ranges: Ranges, method: str) -> dict[str, float]:
    """The largest |value| that INT8 can hold, for each quantized tensor."""
    names = sorted(quantized_inputs(fp32))
    if method == "minmax":
        return {name: ranges.largest[name] for name in names}
    return {name: choose_range(ranges.histograms[name], method) for name in names}


RECIPE = Int8()
