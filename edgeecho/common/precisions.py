"""The one table of precisions: how a model can be stored, and what is required of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from edgeecho.common.errors import ModelError, UsageError

FEW = 8
"""Enough clips where the drift is far below its limits, as in FP32 and FP16."""
MANY = 32
"""INT8's drift varies by about its own size from clip to clip: on 8 clips the change of the MAE
is uncertain by as much as its limit. More cost time: each runs on every engine."""


@dataclass(frozen=True)
class DriftLimits:
    """Largest drifts from PyTorch's EF that pass, in EF points; None: not checked."""

    mean: float | None = None
    """Of the mean |drift|."""
    p95: float | None = None
    """Of the 95th percentile of |drift|."""
    max: float | None = None
    """Of the largest |drift|."""
    mae: float | None = None
    """By how much the mean absolute error against the labels may grow."""

    def to_dict(self) -> dict[str, float]:
        """Those that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def wider_than(self, other: DriftLimits) -> tuple[str, ...]:
        """Statistics that may be larger here than in `other`."""
        return tuple(
            name
            for name, limit in other.to_dict().items()
            if getattr(self, name) is None or getattr(self, name) > limit
        )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DriftLimits:
        """The inverse of `to_dict`; `ModelError` if the value is something else."""
        try:
            return cls(**{name: float(limit) for name, limit in value.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"manifest: limits that are not known: {error}") from error


@dataclass(frozen=True)
class MaskLimits:
    """How far a segmentation's masks may be from PyTorch's."""

    dice: float
    """Least Dice coefficient over all pixels of all frames, 0 to 1."""
    area: float
    """Largest mean |difference| of a frame's area, in % of PyTorch's."""
    worst_area: float
    """The largest of these differences that passes, in %."""

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def wider_than(self, other: MaskLimits) -> tuple[str, ...]:
        """Statistics that may be further off here than in `other`."""
        wider = {
            "dice": self.dice < other.dice,
            "area": self.area > other.area,
            "worst_area": self.worst_area > other.worst_area,
        }
        return tuple(name for name, is_wider in wider.items() if is_wider)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> MaskLimits:
        """The inverse of `to_dict`; `ModelError` if the value is something else."""
        try:
            return cls(**{name: float(limit) for name, limit in value.items()})
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"manifest: limits of masks that are not known: {error}") from error


@dataclass(frozen=True)
class Precision:
    """One row: how a bundle's file of this precision is checked, and what computes it."""

    limits: DriftLimits
    """Drift limits of export and of `edgeecho verify`."""
    clips: int
    """Number of held-out clips on which it is checked."""
    masks: MaskLimits
    """Limits of a segmentation's masks."""
    arithmetic: str
    """Arithmetic of an engine that has the precision, such as TensorRT."""
    cpu_arithmetic: str
    """Arithmetic of a CPU engine that is asked for f32: there FP16 weights are widened."""
    export_help: str = ""
    """Help of its option in `edgeecho export`; empty: it is always made."""
    calibrated: bool = False
    """Whether it is fitted to a calibration set, whose split then cannot be used to check it."""
    embedding: float | None = None
    """Largest passing distance of an embedding from PyTorch's, relative to its length; None: not
    checked."""
    shared: DriftLimits | None = None
    """Limits of the shared graph against the plain one. None: those against PyTorch,
    since an engine may round a tensor elsewhere in one graph than in the other."""


PRECISIONS: Mapping[str, Precision] = {
    "fp32": Precision(
        DriftLimits(max=0.01),
        FEW,
        # Measured as for FP16: Dice 1.00000, areas equal.
        MaskLimits(dice=0.9999, area=0.02, worst_area=0.5),
        "f32",
        "f32",
        # Measured: up to 4e-6 at widths 0.0625, 0.25 and 1, on OpenVINO 2026.4 and ONNX Runtime
        # 1.32; another tensor than the pooled features is off by 1.
        embedding=1e-4,
        shared=DriftLimits(max=1e-3),
    ),
    # A 16-bit float has steps of 0.03 near an EF of 55 %.
    "fp16": Precision(
        DriftLimits(mean=0.05, max=0.2),
        FEW,
        # Every layer in FP16, as a GPU rounds it, on 36 to 48 frames of phantoms, of trained
        # lraspp_mobilenet_v3_large of width 0.3 and 1: Dice 0.9998 and 0.9999, areas 0.03 % off,
        # at most 0.17 %.
        MaskLimits(dice=0.999, area=0.2, worst_area=2.0),
        "f16+f32",
        "f32",
        export_help="Also fp16.onnx: body in FP16, head and I/O in FP32.",
    ),
    # A first INT8 by minmax lay at 0.13 (mean), 0.31 (p95) and 0.57 (max) on a trained network of
    # full width.
    "int8": Precision(
        DriftLimits(mean=0.3, p95=0.7, max=1.5, mae=0.1),
        MANY,
        # The same two, the worse of minmax and percentile: on OpenVINO (a CPU without VNNI) Dice
        # 0.990 and 0.994, areas 1.2 and 0.9 % off, at most 4.4 and 3.4 %; on ONNX Runtime 0.997
        # and 0.997, 0.3 and 0.5 %, at most 4.0 and 2.3 %. On 8 frames of the reference clips of
        # models/narrow OpenVINO had 0.984, 2.6 % and 4.2 %, ONNX Runtime 0.997, 0.4 % and 1.0 %.
        MaskLimits(dice=0.98, area=3.0, worst_area=6.0),
        "int8+f32",
        "int8+f32",
        export_help="Also int8.onnx; needs --calibration SET.",
        calibrated=True,
    ),
}
"""By name, from the largest file to the smallest."""

LIMITS: Mapping[str, DriftLimits] = {name: row.limits for name, row in PRECISIONS.items()}
"""By precision."""
_STATISTICS = tuple(field.name for field in fields(DriftLimits))


def parse_limits(
    options: Sequence[str], table: Mapping[str, DriftLimits] = LIMITS
) -> dict[str, DriftLimits]:
    """`table` with what `PRECISION.STATISTIC=POINTS` says, such as `int8.max=1`.

    `UsageError` if an option has another form.
    """
    chosen = dict(table)
    for option in options:
        place, _, number = option.partition("=")
        precision, _, statistic = place.partition(".")
        try:
            points = float(number)
        except ValueError:
            points = math.nan
        # An infinite limit checks nothing.
        usable = math.isfinite(points) and points >= 0
        if precision not in LIMITS or statistic not in _STATISTICS or not usable:
            raise UsageError(
                f"--limit {option!r}: give PRECISION.STATISTIC=POINTS with {', '.join(LIMITS)} "
                f"and {', '.join(_STATISTICS)}, such as int8.max=1"
            )
        chosen[precision] = replace(chosen.get(precision, DriftLimits()), **{statistic: points})
    return chosen
