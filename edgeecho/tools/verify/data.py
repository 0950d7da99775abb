"""Drift on a data set: a bundle's artefacts against its FP32 model on many held-out clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeecho.bundle import open_model, read_manifest, write_manifest
from edgeecho.common.about import VERSION
from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho.dataset.reference import select_reference_clips
from edgeecho.engines import load_on_cpu
from edgeecho.preprocess import normalise
from edgeecho.tools.verify.references import ReferenceSet
from edgeecho.tools.verify.report import VerifyReport

_DATA = ("data", "file_list_sha256", "split", "reference")
_RUN = ("precision", "model_sha256", "engine", "device")


def references_of(bundle: Path, data: Path, *, split: str, n: int) -> ReferenceSet:
    """The central clips of `n` videos of a split, spread over EF, with the EFs of FP32.

    FP32 runs on a CPU engine at batch 1, which export has checked against PyTorch to within 0.01 EF
    points. `InputError` if the split has fewer than `n` videos that are as long as a clip.
    """
    model = open_model(bundle, precision="fp32")
    clips = select_reference_clips(read_dataset(data, split=split), model.preprocess, n=n)
    found = 0 if clips is None else len(clips.clips)
    if clips is None or found < n:
        raise InputError(
            f"{data} has {found} {split.upper()} videos that are as long as a clip, {n} were "
            "asked for: give another --split or fewer --clips"
        )
    engine = load_on_cpu(model)
    efs = [engine.run(normalise(clip, model.preprocess)[None]).ef for clip in clips.clips]
    source = f"{model.path.name} on {engine.facts.name} {engine.facts.version}"
    name = f"{n} {split.upper()} clips of {describe_dataset(data)}"
    return ReferenceSet(clips, np.concatenate(efs), name, source, batches=(1,), every=True)


def describe_drift(report: VerifyReport, data: Path, split: str) -> dict[str, Any]:
    """The data and the drift of every artefact on every engine that ran, in plain types."""
    return {
        "data": describe_dataset(data),
        "file_list_sha256": sha256_file(data / "FileList.csv"),
        "split": split.upper(),
        "reference": report.source,
        "edgeecho": VERSION,
        "results": [
            {
                "precision": row.model.precision,
                "model_sha256": row.model.sha256,
                "engine": f"{row.engine.name} {row.engine.version}",
                "device": row.engine.device,
                "clips": row.clips,
                **asdict(row.drift),
                "limits": row.limits.to_dict(),
            }
            for row in report.rows
        ],
    }


def record_drift(bundle: Path, entry: Mapping[str, Any]) -> None:
    """Write an entry of `describe_drift` to the manifest and the model card.

    Earlier results on the same data and split stay, unless they are for the same model on the same
    engine and device.
    """
    manifest = read_manifest(bundle)
    same = [o for o in manifest.drift if all(o[key] == entry[key] for key in _DATA)]
    others = [o for o in manifest.drift if o not in same]
    results = {tuple(r[k] for k in _RUN): r for o in (*same, entry) for r in o["results"]}
    ordered = sorted(results.values(), key=lambda r: list(manifest.artefacts).index(r["precision"]))
    updated = replace(manifest, drift=(*others, {**entry, "results": ordered}))
    write_manifest(bundle, updated)
