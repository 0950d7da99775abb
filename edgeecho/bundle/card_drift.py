"""The model card's section on drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgeecho.bundle.artefact import SharedGraph, Verification
from edgeecho.bundle.card_parts import kind_of_check, range_line
from edgeecho.bundle.card_segmentation import masks_on_data
from edgeecho.bundle.manifest import Manifest


def drift_section(manifest: Manifest) -> str:
    """Drift from PyTorch by precision and engine, with the checks and calibration behind it."""
    rows = [
        f"| {kind_of_check(a.precision, v.part)} | {v.engine} {v.version} | {v.clips} | "
        f"{', '.join(map(str, v.batches))} | {_statistics(v)} | {_allowed(v)} |"
        for a in manifest.artefacts.values()
        for v in a.verification
    ]
    head = [
        "| precision | engine | clips | batch sizes | mean | p95 | max | change of the MAE | "
        "allowed |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    parts = [f"EF points, on {_held_out(manifest)}.", "\n".join([*head, *rows])]
    if file := manifest.references.get("file"):
        parts.append(f"`{file}` holds the pixels and labels of these clips, for `edgeecho verify`.")
    parts += [_shared(a.file, a.shared) for a in manifest.artefacts.values() if a.shared]
    for entry in manifest.drift:
        parts += filter(None, [_drift_on_data(entry), masks_on_data(entry)])
    parts += [range_line(a.range) for a in manifest.artefacts.values() if a.range]
    if manifest.calibration:
        parts.append(_calibration(manifest.calibration))
    return "\n\n".join(parts)


def _statistics(check: Verification) -> str:
    return (
        f"{check.mean_drift:.6f} | {check.p95_drift:.6f} | {check.max_drift:.6f} | "
        f"{check.mae_change:+.4f}"
    )


def _allowed(check: Verification) -> str:
    """All limits; those wider than edgeecho's own are marked."""
    return ", ".join(
        f"{name} {limit:g}" + (" (**loosened**)" if name in check.loosened else "")
        for name, limit in check.allowed.items()
    )


def _held_out(manifest: Manifest) -> str:
    references = manifest.references
    return (
        f"{references['source']}, to which PyTorch's EFs have a standard deviation of "
        f"{references['ef_sd']:.2f}"
    )


def _shared(plain: str, found: SharedGraph) -> str:
    seen = ", ".join(
        f"{v['max_difference']:.6f} on {v['engine']} {v['version']}" for v in found.verification
    )
    return (
        f"`{found.file}` answers overlapping clips of a video together, with the weights of "
        f"`{plain}`, and computes what they share once. Largest distance of a clip's answer from "
        f"`{plain}`, EF points: {seen}."
    )


def _drift_on_data(entry: Mapping[str, Any]) -> str:
    rows = [
        f"| {r['precision']} | {r['engine']} on {r['device']} | {r['clips']} | {r['mean']:.4f} | "
        f"{r['p95']:.4f} | {r['max']:.4f} | {r['mae']:+.4f} |"
        for r in entry["results"]
    ]
    head = [
        f"EF points from {entry['reference']}, on {entry['split']} clips of: {entry['data']}.",
        "",
        "| precision | engine | clips | mean | p95 | max | change of the MAE |",
        "|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows])


def _calibration(calibration: Mapping[str, Any]) -> str:
    floating = calibration["float_layers"]
    methods = "; ".join(
        f"{m['method']} {m['mean_drift']:.3f} (max {m['max_drift']:.3f}, answers shifted by "
        f"{m['shift']:+.3f})"
        for m in calibration["methods"]
    )
    return (
        f"INT8 was calibrated by {calibration['method']} on {calibration['clips']} training clips "
        f"of: {calibration['data']} (set sha256 {calibration['sha256'][:12]}). "
        f"Mean drift of each method that was tried: {methods}."
        + (f" In float beside the stem: {', '.join(floating)}." if floating else "")
    )
