"""What the model card says of both networks in the same words."""

from __future__ import annotations

from edgeecho.bundle.artefact import RangeCheck


def kind_of_check(precision: str, part: str) -> str:
    """First cell of a check's row."""
    return precision if part == "engine" else f"{precision}, {part}"


def range_line(found: RangeCheck) -> str:
    """How near the network comes to what FP16 can hold."""
    return (
        f"FP16, range: the largest of {found.tensors} tensors in FP32 over {found.clips} clips "
        f"({found.source}) is {found.largest:.4g} (`{found.tensor}`); "
        f"a quarter of what FP16 can hold, {found.limit:g}, is allowed."
    )
