"""Recording the results of an evaluation in the bundle."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho.bundle import Manifest, Skill, read_manifest, write_manifest
from edgeecho.bundle.skill import newest
from edgeecho.common.about import VERSION
from edgeecho.tools.evaluate.assess import Assessed, EvaluationReport, efs_of
from edgeecho.tools.evaluate.run import Evaluation

_IDENTITY = ("data", "file_list_sha256", "split", "clips", "precision", "engine")


def record_evaluation(bundle: Path, report: EvaluationReport) -> None:
    """Write the metrics of each precision and clip mode to `bundle`'s manifest and model card.

    Earlier entries for the same data, protocol, precision and engine are replaced. The first of
    the precisions and modes gives the model's skill, unless the videos are those of training.
    """
    manifest = read_manifest(bundle)
    entries = tuple(
        to_entry(report.evaluation, found) for modes in report.models for found in modes
    )
    measured = {_identity(entry) for entry in entries}
    others = tuple(entry for entry in manifest.evaluation if _identity(entry) not in measured)
    updated = replace(manifest, evaluation=(*others, *entries), skill=_skill(manifest, report))
    write_manifest(bundle, updated)


def to_entry(evaluation: Evaluation, found: Assessed) -> dict[str, Any]:
    """An entry of the manifest in plain types: the conditions, and the numbers for the card."""
    run, mae = found.run, found.measured["mae"]
    return {
        "data": evaluation.data,
        "file_list_sha256": evaluation.file_list_sha256,
        "split": evaluation.split,
        "clips": run.clips,
        "precision": run.model.precision,
        "engine": f"{run.engine.name} {run.engine.version}",
        "model_sha256": run.model.sha256,
        "edgeecho": VERSION,
        **asdict(found.metrics),
        "mae_interval": mae and asdict(mae),
        "coverage": found.coverage and asdict(found.coverage),
        "refused": found.refused,
        "groups": [asdict(group) for group in found.groups],
        "mae_of_accepted": found.accepted and found.accepted.mae,
        **({"masks": found.masks.to_dict()} if found.masks else {}),
    }


def _skill(manifest: Manifest, report: EvaluationReport) -> Skill | None:
    evaluation, first = report.evaluation, report.models[0][0].run
    if evaluation.split == "TRAIN":
        return manifest.skill
    found = Skill.of(
        efs_of(first),
        np.array([video.ef for video in evaluation.videos]),
        data=f"{evaluation.split} videos of: {evaluation.data}",
        how=f"{first.clips}, {first.model.precision} on {first.engine.name} {first.engine.version}",
    )
    return newest(manifest.skill, found)


def _identity(entry: Any) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in _IDENTITY)
