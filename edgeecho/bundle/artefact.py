"""The artefacts of a bundle, their checks, and reading them from a manifest."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import ModelError


@dataclass(frozen=True)
class Verification:
    """Measured drift of one engine's EF from PyTorch's on the reference clips, in EF points."""

    engine: str
    version: str
    batches: tuple[int, ...]
    """Batch sizes that were tested."""
    clips: int
    mean_drift: float
    p95_drift: float
    max_drift: float
    tolerance: float
    """Largest drift that export accepts."""
    part: str
    """`engine` is the number that users get. FP16 also has `weights` (the file on a CPU, which
    computes in wider arithmetic) and `arithmetic` (PyTorch with each layer's output rounded)."""
    allowed: Mapping[str, float]
    """The limits applied, by statistic: mean, p95, max, mae."""
    loosened: tuple[str, ...]
    """Statistics whose limit was wider than in edgeecho's own table."""
    mae_change: float
    """Mean absolute error against the labels, minus PyTorch's."""


@dataclass(frozen=True)
class RangeCheck:
    """Whether FP16, whose largest number is 65,504, can represent every tensor of the network."""

    tensors: int
    """Number of tensors checked in FP32: activations, weights and biases."""
    clips: int
    source: str
    """`calibration set` or `reference clips`."""
    tensor: str
    """Name of the tensor with the largest value."""
    largest: float
    limit: float


@dataclass(frozen=True)
class SharedCost:
    """Multiply-accumulates of the convolutions in 10^9: which of two graphs has less to compute."""

    frame: float
    """Shared graph, per input frame."""
    clip: float
    """Shared graph, per clip."""
    fixed: float
    """Shared graph, per call; may be negative."""
    plain: float
    """Plain graph, per clip."""


@dataclass(frozen=True)
class SharedGraph:
    """The graph that answers overlapping clips of one video together, with the same weights."""

    file: str
    sha256: str
    cost: SharedCost
    verification: tuple[Mapping[str, Any], ...]
    """Per engine: name and version, clips, largest difference from the plain graph, its limit."""


@dataclass(frozen=True)
class Artefact:
    """An ONNX file of the bundle in one precision."""

    file: str
    sha256: str
    precision: str
    opset: int
    verification: tuple[Verification, ...]
    range: RangeCheck | None = None
    """For FP16 only."""
    shared: SharedGraph | None = None
    """None if every clip is answered by itself."""


def check_file(entry: Mapping[str, Any], suffix: str = "") -> None:
    """Raise `ModelError` unless an entry names a file in the bundle's folder, and its hash."""
    file, sha256 = entry["file"], entry["sha256"]
    if not isinstance(file, str) or not file.isprintable() or Path(file).name != file:
        raise ModelError(f"manifest names {reprlib.repr(file)}, which is not a file of the bundle")
    # With another suffix, engines read other formats, some of which keep their weights elsewhere.
    if not file.endswith(suffix):
        raise ModelError(f"manifest names {file!r}, which is not an {suffix} file of the bundle")
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-f]{64}", sha256):
        raise ModelError(
            f"manifest gives {reprlib.repr(sha256)} as the sha256 of {file}, which is none: "
            "export the bundle again"
        )


def read_artefact(value: Mapping[str, Any]) -> Artefact:
    """Read the entry of an artefact; raises `ModelError`, `KeyError` or `TypeError`."""
    check_file(value, ".onnx")
    checks = tuple(
        typed(
            Verification,
            {
                **v,
                "batches": tuple_of(v["batches"]),
                "loosened": tuple_of(v["loosened"]),
            },
        )
        for v in tuple_of(value["verification"])
    )
    found, shared = value["range"], value["shared"]
    return typed(
        Artefact,
        {
            **value,
            "verification": checks,
            "range": None if found is None else typed(RangeCheck, found),
            "shared": None if shared is None else _shared(shared),
        },
    )


def _shared(value: Mapping[str, Any]) -> SharedGraph:
    check_file(value, ".onnx")
    cost, checks = typed(SharedCost, value["cost"]), tuple_of(value["verification"])
    return typed(SharedGraph, {**value, "cost": cost, "verification": checks})
