"""What `edgeecho export` and `edgeecho import` print of the bundle that they wrote."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from edgeecho.bundle import Manifest, RangeCheck, Segmentation, Verification
from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.precisions import PRECISIONS


def print_bundle(folder: Path, manifest: Manifest) -> None:
    """Print what was written and how it was checked."""
    typer.echo(f"wrote {folder}: {manifest.name} {manifest.version}")
    lines = [*_networks(manifest), *_masks(manifest.segmentation)]
    for line in lines:
        typer.echo(f"  {line}")
    if found := manifest.calibration:
        (fitted,) = (name for name in manifest.artefacts if PRECISIONS[name].calibrated)
        methods = ", ".join(f"{m['method']} {m['mean_drift']:.3f}" for m in found["methods"])
        name = manifest.artefacts[fitted].file
        typer.echo(f"  {name}: kept {found['method']} (mean drift: {methods})")
        if (masks := manifest.segmentation) and masks.calibration:
            tried = masks.calibration["methods"]
            methods = ", ".join(f"{m['method']} {m['dice']:.4f}" for m in tried)
            name = masks.artefacts[fitted].file
            kept = masks.calibration["method"]
            told = f"kept {kept}" if kept else f"also for {fitted}, whose masks miss their limits"
            typer.echo(f"  {name}: {told} (Dice: {methods})")
    if file := manifest.references.get("file"):
        typer.echo(
            f"  {file}: pixels and labels of {manifest.references['source']}; they go where the "
            "bundle goes (--no-references leaves them out)"
        )
    if manifest.skill and manifest.skill.shown:
        typer.echo(f"  skill: {manifest.skill.in_words()}")
    for warning in manifest.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(RESEARCH_USE)


def _networks(manifest: Manifest) -> Iterator[str]:
    for artefact in manifest.artefacts.values():
        if found := artefact.range:
            yield f"{artefact.file}, range: {_range(found)}"
        for check in artefact.verification:
            yield f"{artefact.file}{_line(check)}"
        if graph := artefact.shared:
            largest = max(check["max_difference"] for check in graph.verification)
            yield (
                f"{graph.file}: overlapping clips together, at most {largest:.6f} EF points from "
                f"{artefact.file} on {len(graph.verification)} engines"
            )


def _masks(segmentation: Segmentation | None) -> Iterator[str]:
    for artefact in segmentation.files if segmentation else ():
        if artefact.range:
            yield f"{artefact.file}, range: {_range(artefact.range)}"
        for check in artefact.verification:
            part = "" if check.part == "engine" else f", {check.part},"
            yield (
                f"{artefact.file}{part} on {check.engine} {check.version}: Dice "
                f"{check.dice:.5f} with PyTorch on {check.frames} frames, areas {check.area:.3f} % "
                f"off, at most {check.worst_area:.2f} %"
            )


def _range(found: RangeCheck) -> str:
    return (
        f"largest of {found.tensors} tensors {found.largest:.4g} over {found.clips} clips "
        f"({found.source}; allowed {found.limit:g})"
    )


def _line(check: Verification) -> str:
    where = f"{check.engine} {check.version}"
    what = f" on {where}" if check.part == "engine" else f", {check.part}, on {where}"
    seen = (
        f"{what}: largest drift {check.max_drift:.6f} EF points on {check.clips} clips at batch "
        f"{', '.join(map(str, check.batches))}"
    )
    if check.allowed.keys() == {"max"}:
        return f"{seen} (allowed {check.tolerance:g})"
    values = {
        "mean": check.mean_drift,
        "p95": check.p95_drift,
        "max": check.max_drift,
        "mae": check.mae_change,
    }
    limits = "; ".join(f"{k} {values[k]:.4f} of {limit:g}" for k, limit in check.allowed.items())
    return f"{seen} ({limits} allowed)"
