"""`manifest.json`: what a bundle holds, where it came from and what was measured of it."""

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
"""Key in an ONNX file's metadata_props: JSON with name, version, precision, preprocess."""


UNGATED = (
    "Knows only what it was trained on (see above); no gate refuses other views, other organs "
    "or no heart at all.",
    "No uncertainty is calibrated yet: the spread over clips says how much the answer varies "
    "along the video, not how far it is from the truth.",
)
"""Limits of a model whose uncertainty is None."""
GATED = (
    "Knows only what it was trained on (see above). Its gates refuse some of what is not like the "
    "videos that they were calibrated on, by no means all: what they let pass may be another view, "
    "another organ or no heart.",
)
"""Limits that take their place once it was calibrated."""


@dataclass(frozen=True)
class Verification:
    """How far one engine's EF lay from PyTorch's on the reference clips, in EF points."""

    engine: str
    version: str
    batches: tuple[int, ...]
    """Batch sizes that were run."""
    clips: int
    mean_drift: float
    p95_drift: float
    max_drift: float
    tolerance: float
    """Largest drift that export accepts."""
    part: str = "engine"
    """`engine`: the number that users get; of FP16 `weights` (the file on a CPU, which computes
    in wider arithmetic) and `arithmetic` (PyTorch with every layer's output rounded)."""
    allowed: Mapping[str, float] | None = None
    """Every limit that it was held to, by statistic: mean, p95, max, mae. None in manifests
    older than these."""
    loosened: tuple[str, ...] = ()
    """Statistics that were allowed more than edgeecho's own table allows."""
    mae_change: float | None = None
    """Mean absolute error against the labels, less PyTorch's."""


@dataclass(frozen=True)
class RangeCheck:
    """Whether FP16, whose largest number is 65,504, can hold every tensor of the network."""

    tensors: int
    """How many were looked at, in FP32: activations, weights and biases."""
    clips: int
    source: str
    """`calibration set` or `reference clips`."""
    tensor: str
    """The one with the largest value."""
    largest: float
    limit: float


@dataclass(frozen=True)
class SharedCost:
    """Multiply-adds of the convolutions, in 10^9: which of the two graphs has less to do."""

    frame: float
    """Shared graph, for each of the frames that it is given."""
    clip: float
    """Shared graph, for each clip."""
    fixed: float
    """Shared graph, whatever it is asked; may be negative."""
    plain: float
    """Plain graph, for each clip."""


@dataclass(frozen=True)
class SharedGraph:
    """The graph that answers overlapping clips of one video together, with the same weights."""

    file: str
    sha256: str
    cost: SharedCost
    verification: tuple[Mapping[str, Any], ...]
    """By engine: name and version, clips, largest difference from the plain graph, allowed."""


@dataclass(frozen=True)
class Artefact:
    """One file of the bundle that an engine can run."""

    file: str
    sha256: str
    precision: str
    opset: int
    verification: tuple[Verification, ...]
    range: RangeCheck | None = None
    """FP16 only."""
    shared: SharedGraph | None = None
    """None: every clip is answered by itself."""


@dataclass(frozen=True)
class Manifest:
    """Everything about a model that its users may ask."""

    name: str
    version: str
    architecture: Mapping[str, Any]
    """name, width, parameters."""
    preprocess: PreprocessSpec
    provenance: Mapping[str, Any]
    """checkpoint_sha256, what training recorded, package versions of the export."""
    artefacts: Mapping[str, Artefact]
    """By precision: fp32, fp16, int8."""
    trained_on: str
    """One sentence that is shown with every result."""
    intended_use: str
    limits: tuple[str, ...]
    evaluation: tuple[Mapping[str, Any], ...] = field(default=())
    """What `edgeecho evaluate --record` measured, one entry a data set and protocol."""
    drift: tuple[Mapping[str, Any], ...] = field(default=())
    """What `edgeecho verify --data --record` measured, one entry a data set and split."""
    references: Mapping[str, Any] | None = None
    """file, sha256 and number of the clips that `edgeecho verify` runs."""
    calibration: Mapping[str, Any] | None = None
    """INT8: the set (data, sha256, clips), the method that was kept, the drift of each method."""
    uncertainty: Mapping[str, Any] | None = None
    """What `edgeecho calibrate trust` measured: file and sha256 of the numbers, method, level, n,
    data, half_width by clip mode, thresholds by gate. None: nothing."""

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
    """Hold an entry to naming a file of the bundle's folder, and its hash."""
    file, sha256 = entry["file"], entry["sha256"]
    if not isinstance(file, str) or not file.isprintable() or Path(file).name != file:
        raise ModelError(f"manifest names {reprlib.repr(file)}, which is not a file of the bundle")
    # By other names engines read other formats, some of which have their weights elsewhere.
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
