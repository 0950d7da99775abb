"""Writing what was measured into the bundle that it was measured on."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from edgeecho import __version__
from edgeecho.bundle import read_manifest, render_card
from edgeecho.bundle.manifest import CARD_FILE, MANIFEST_FILE
from edgeecho.evaluate.run import Evaluation
from edgeecho.files import write_json, write_text

_IDENTITY = ("file_list_sha256", "split", "clips", "precision", "engine")


def record_evaluation(bundle: Path, evaluation: Evaluation) -> None:
    """Put the metrics into `bundle`'s manifest and model card.

    An earlier entry for the same data, protocol, precision and engine is replaced.
    """
    manifest = read_manifest(bundle)
    entry = to_entry(evaluation)
    others = tuple(
        other
        for other in manifest.evaluation
        if any(other.get(key) != entry[key] for key in _IDENTITY)
    )
    updated = replace(manifest, evaluation=(*others, entry))
    write_json(bundle / MANIFEST_FILE, updated.to_dict())
    write_text(bundle / CARD_FILE, render_card(updated))


def to_entry(evaluation: Evaluation) -> dict[str, Any]:
    """Plain types: what was evaluated on what, and the metrics."""
    first = evaluation.answers[0]
    return {
        "data": evaluation.data,
        "file_list_sha256": evaluation.file_list_sha256,
        "split": evaluation.split,
        "clips": evaluation.clips,
        "precision": first.model.precision,
        "engine": f"{first.engine.name} {first.engine.version}",
        "model_sha256": first.model.sha256,
        "edgeecho": __version__,
        **asdict(evaluation.metrics),
    }
