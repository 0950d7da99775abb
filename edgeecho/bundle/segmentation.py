"""The segmentation network of a bundle: its artefacts, and how its masks were checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.bundle.artefact import RangeCheck, check_file
from edgeecho.bundle.typed import tuple_of, typed
from edgeecho.common.errors import ModelError


@dataclass(frozen=True)
class MaskCheck:
    """Measured distance of one engine's masks from PyTorch's on the reference frames."""

    engine: str
    version: str
    batches: tuple[int, ...]
    """Numbers of frames in a call that were tested."""
    frames: int
    dice: float
    """Dice coefficient with PyTorch's masks over all pixels of all frames, 0 to 1."""
    area: float
    """Mean |difference| of a frame's area, in % of PyTorch's."""
    worst_area: float
    """The largest of these differences."""
    part: str
    """As of `Verification`."""
    allowed: Mapping[str, float]
    """The limits applied, by statistic: dice (at least), area and worst_area (at most)."""


@dataclass(frozen=True)
class MaskArtefact:
    """An ONNX file of the segmentation in one precision."""

    file: str
    sha256: str
    precision: str
    opset: int
    verification: tuple[MaskCheck, ...]
    range: RangeCheck | None = None
    """For FP16 only."""


@dataclass(frozen=True)
class Segmentation:
    """Everything that a bundle states about its segmentation network."""

    architecture: Mapping[str, Any]
    """name, width, parameters."""
    provenance: Mapping[str, Any]
    """checkpoint_sha256 and the training record."""
    trained_on: str
    """One sentence."""
    artefacts: Mapping[str, MaskArtefact]
    """One for each precision of the EF network; that of INT8 is FP32's where INT8 masks miss their
    limits."""
    references: Mapping[str, Any]
    """frames (their number); file and sha256 if `edgeecho verify` can run them."""
    calibration: Mapping[str, Any] | None = None
    """For INT8: the chosen method, None if the masks of every method miss their limits, and what
    each method reached."""

    @property
    def files(self) -> tuple[MaskArtefact, ...]:
        """The artefacts, each file once."""
        return tuple({one.file: one for one in self.artefacts.values()}.values())


def read_segmentation(value: Mapping[str, Any] | None) -> Segmentation | None:
    """Read the manifest's entry; raises `ModelError`, `KeyError` or `TypeError`."""
    if value is None:
        return None
    artefacts = {name: _artefact(entry) for name, entry in value["artefacts"].items()}
    found = typed(Segmentation, {**value, "artefacts": artefacts})
    if "file" in found.references:
        check_file(found.references)
    return found


def check_precisions(found: Segmentation, wanted: Mapping[str, Any]) -> None:
    """`ModelError` unless it has the precisions of the EF network."""
    if found.artefacts.keys() != wanted.keys():
        raise ModelError(
            f"manifest has the EF network in {', '.join(wanted)} and the segmentation in "
            f"{', '.join(found.artefacts)}: export the bundle again"
        )


def _artefact(value: Mapping[str, Any]) -> MaskArtefact:
    check_file(value, ".onnx")
    checks = tuple(
        typed(MaskCheck, {**check, "batches": tuple_of(check["batches"])})
        for check in tuple_of(value["verification"])
    )
    found = value["range"]
    return typed(
        MaskArtefact,
        {
            **value,
            "verification": checks,
            "range": None if found is None else typed(RangeCheck, found),
        },
    )
