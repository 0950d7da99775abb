"""Drift on a data set: a bundle's artefacts against its FP32 model on many held-out clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle import ModelFile, open_model, read_manifest, write_manifest
from edgeecho.common.about import VERSION
from edgeecho.common.errors import EngineError, InputError
from edgeecho.common.files import sha256_file
from edgeecho.dataset import describe_dataset, read_dataset
from edgeecho.dataset.reference import select_reference_clips
from edgeecho.engines import GraphEngine, load_on_cpu, segmentation_file
from edgeecho.preprocess import normalise
from edgeecho.tools.verify.masks import MaskReferences, find_masks, frames_of
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
    found_efs = ReferenceSet(clips, np.concatenate(efs), name, source, batches=(1,), every=True)
    if model.segmentation is None:
        return found_efs
    masks, masks_source = _masks_of(model, frames_of(clips.normalised(model.preprocess)))
    return replace(found_efs, masks=masks, masks_source=masks_source)


def _masks_of(model: ModelFile, frames: NDArray[np.float32]) -> tuple[MaskReferences, str]:
    network = segmentation_file(model)
    loaded: Any = load_on_cpu(network)
    engine: GraphEngine = loaded
    masks = find_masks(engine, frames, 1)
    if masks is None:
        raise EngineError(
            f"{network.path.name} on {engine.facts.name} gives masks that are not numbers: export "
            "the bundle again"
        )
    source = f"{network.path.name} on {engine.facts.name} {engine.facts.version}"
    return MaskReferences(frames, masks), source


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
        "masks_reference": report.masks_source,
        "masks": [
            {
                "precision": row.model.precision,
                "model_sha256": row.model.sha256,
                "engine": f"{row.engine.name} {row.engine.version}",
                "device": row.engine.device,
                "frames": row.frames,
                **asdict(row.drift),
                "limits": row.limits.to_dict(),
            }
            for row in report.masks
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
    order = list(manifest.artefacts)
    joined = {}
    for rows in ("results", "masks"):
        # An entry of a version that measured no masks has none.
        found = {tuple(r[k] for k in _RUN): r for o in (*same, entry) for r in o.get(rows, ())}
        joined[rows] = sorted(found.values(), key=lambda r: order.index(r["precision"]))
    updated = replace(manifest, drift=(*others, {**entry, **joined}))
    write_manifest(bundle, updated)
