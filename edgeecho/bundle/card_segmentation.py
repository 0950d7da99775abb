"""The model card's section on the segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.bundle.card_parts import kind_of_check, range_line
from edgeecho.bundle.segmentation import MaskCheck, Segmentation


def segmentation_section(found: Segmentation) -> str:
    """What finds the left ventricle, what it was trained on, and how far its masks drift."""
    architecture, references = found.architecture, found.references
    lines = [
        "Finds the left ventricle in every frame; beats, volumes and traced EF come from its "
        "masks. Frames get the preprocessing above.",
        "\n".join(
            [
                f"- {architecture['name']}, {architecture['parameters']:,} parameters",
                f"- trained on: {found.trained_on}",
                *_data(found.provenance.get("training")),
                f"- checkpoint sha256 {found.provenance['checkpoint_sha256']}",
            ]
        ),
        f"Masks against PyTorch's, on {references['frames']} frames of the reference clips: Dice "
        "coefficient over all pixels, and differences of a frame's area in % of PyTorch's.",
        "\n".join([*_HEAD, *_checks(found)]),
    ]
    if file := references.get("file"):
        lines.append(f"`{file}` holds PyTorch's masks, for `edgeecho verify`.")
    lines += [range_line(a.range) for a in found.files if a.range]
    if found.calibration:
        lines.append(_calibration(found.calibration))
    return "\n\n".join(lines)


def masks_on_data(entry: Mapping[str, Any]) -> str | None:
    """The masks of an entry of `edgeecho verify --data --record`; None if it has none."""
    if not entry.get("masks"):
        return None
    rows = [
        f"| {r['precision']} | {r['engine']} on {r['device']} | {r['frames']} | "
        f"{_statistics(r['dice'], r['area'], r['worst_area'])} |"
        for r in entry["masks"]
    ]
    head = [
        f"Masks against {entry['masks_reference']}, on frames of the same clips.",
        "",
        "| precision | engine | frames | Dice | area, mean | area, largest |",
        "|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _calibration(calibration: Mapping[str, Any]) -> str:
    tried = "; ".join(
        f"{m['method']} {m['dice']:.5f} (areas {m['area']:.3f}, largest {m['worst_area']:.2f})"
        for m in calibration["methods"]
    )
    if calibration["method"] is None:
        return (
            "INT8 masks missed their limits, so the INT8 network has the FP32 masks. Dice "
            f"coefficient of each method that was tried: {tried}."
        )
    return (
        f"INT8 was calibrated by {calibration['method']} on frames of the EF network's calibration "
        f"set. Dice coefficient of each method that was tried: {tried}."
    )


_HEAD = (
    "| precision | engine | frames | frames a call | Dice | area, mean | area, largest | allowed |",
    "|---|---|---|---|---|---|---|---|",
)


def _checks(found: Segmentation) -> list[str]:
    return [
        f"| {kind_of_check(artefact.precision, check.part)} | {check.engine} {check.version} | "
        f"{check.frames} | {', '.join(map(str, check.batches))} | "
        f"{_statistics(check.dice, check.area, check.worst_area)} | {_allowed(check)} |"
        for artefact in found.files
        for check in artefact.verification
    ]


def _statistics(dice: float, area: float, worst_area: float) -> str:
    return f"{dice:.5f} | {area:.3f} | {worst_area:.2f}"


def _allowed(check: MaskCheck) -> str:
    return ", ".join(f"{name} {limit:g}" for name, limit in check.allowed.items())


def _data(training: Mapping[str, Any] | None) -> list[str]:
    data = (training or {}).get("data") or {}
    if "n_train" not in data:
        return []
    validation = f" and {data['n_val']} validation" if "n_val" in data else ""
    return [f"- {data['n_train']} training{validation} videos"]
