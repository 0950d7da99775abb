"""`manifest.json`: a bundle's contents, provenance and measurements."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import ModelError
from edgeecho.common.seal import sealed
from edgeecho.preprocess import PreprocessSpec

SCHEMA_VERSION = 1
MANIFEST_FILE = "manifest.json"
CARD_FILE = "model-card.md"
METADATA_KEY = "edgeecho.model"
"""Key in an ONNX file's metadata_props, whose JSON has name, version, precision, preprocess."""


UNGATED = (
    "Knows only what it was trained on (see above); no gate refuses other views, other organs "
    "or no heart at all.",
    "No uncertainty is calibrated yet: the spread over clips says how much the answer varies "
    "along the video, not how far it is from the truth.",
)
"""Limitations of a model without measured uncertainty."""
GATED = (
    "Knows only what it was trained on (see above). Its gates refuse some of what is not like the "
    "videos that they were calibrated on, by no means all: what they let pass may be another view, "
    "another organ or no heart.",
)
"""Limitations that replace `UNGATED` after `edgeecho calibrate trust`."""


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
    part: str = "engine"
    """`engine` is the number that users get. FP16 also has `weights` (the file on a CPU, which
    computes in wider arithmetic) and `arithmetic` (PyTorch with each layer's output rounded)."""
    allowed: Mapping[str, float] | None = None
    """The limits applied, by statistic: mean, p95, max, mae. None in older manifests."""
    loosened: tuple[str, ...] = ()
    """Statistics whose limit was wider than in edgeecho's own table."""
    mae_change: float | None = None
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


@dataclass(frozen=True)
class Manifest:
    """Everything that a bundle states about its model."""

    name: str
    version: str
    architecture: Mapping[str, Any]
    """name, width, parameters."""
    preprocess: PreprocessSpec
    provenance: Mapping[str, Any]
    """checkpoint_sha256, the training record, package versions of the export."""
    artefacts: Mapping[str, Artefact]
    """By precision: fp32, fp16, int8."""
    trained_on: str
    """One sentence, shown with every result."""
    intended_use: str
    limits: tuple[str, ...]
    evaluation: tuple[Mapping[str, Any], ...] = field(default=())
    """Results of `edgeecho evaluate --record`, one entry per data set and protocol."""
    drift: tuple[Mapping[str, Any], ...] = field(default=())
    """Results of `edgeecho verify --data --record`, one entry per data set and split."""
    references: Mapping[str, Any] | None = None
    """file, sha256 and number of the clips that `edgeecho verify` runs."""
    calibration: Mapping[str, Any] | None = None
    """For INT8: the set (data, sha256, clips), the chosen method, and the drift of each method."""
    uncertainty: Mapping[str, Any] | None = None
    """Results of `edgeecho calibrate trust`: file and sha256 of the numbers, method, level, n,
    data, half_width by clip mode, thresholds by gate. None if it was not run."""

    def to_dict(self) -> dict[str, Any]:
        """Plain types for JSON; `from_dict` gives the same manifest back."""
        value = asdict(self)
        value["preprocess"] = self.preprocess.to_dict()
        return sealed({"schema_version": SCHEMA_VERSION, **value})

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Manifest:
        """Read a manifest; `ModelError` says what is wrong with it."""
        version = value.get("schema_version")
        if version != SCHEMA_VERSION:
            raise ModelError(
                f"manifest has schema version {reprlib.repr(version)}, this edgeecho reads "
                f"{SCHEMA_VERSION}: export the bundle again or change the version of edgeecho"
            )
        if sealed(value)["seal"] != value.get("seal"):
            raise ModelError(
                "manifest was changed after export (its seal does not fit): copy the bundle again"
            )
        fields = {k: v for k, v in value.items() if k not in ("schema_version", "seal")}
        try:
            fields["preprocess"] = PreprocessSpec.from_dict(fields["preprocess"])
            fields["artefacts"] = {k: _artefact(v) for k, v in fields["artefacts"].items()}
            fields["limits"] = tuple_of(fields["limits"])
            for name in ("evaluation", "drift"):
                fields[name] = tuple_of(fields.get(name, ()))
            manifest = typed(cls, fields)
            if manifest.uncertainty is not None:
                _check_file(manifest.uncertainty)
            if manifest.references and "file" in manifest.references:
                _check_file(manifest.references)
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"manifest is incomplete or malformed: {error}") from error
        return manifest


def _check_file(entry: Mapping[str, Any], suffix: str = "") -> None:
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


def _artefact(value: Mapping[str, Any]) -> Artefact:
    _check_file(value, ".onnx")
    checks = tuple(
        typed(
            Verification,
            {
                **v,
                "batches": tuple_of(v["batches"]),
                "loosened": tuple_of(v.get("loosened", ())),
            },
        )
        for v in tuple_of(value["verification"])
    )
    found, shared = value.get("range"), value.get("shared")
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
    _check_file(value, ".onnx")
    cost, checks = typed(SharedCost, value["cost"]), tuple_of(value["verification"])
    return typed(SharedGraph, {**value, "cost": cost, "verification": checks})
