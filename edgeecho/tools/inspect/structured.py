"""An inspection as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.tools.inspect.types import Inspection, NetworkStage

SCHEMA = "edgeecho-inspection-1"


def to_json(inspection: Inspection) -> str:
    """A JSON document; unknown values are null or empty, and `unknown` explains them."""
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": VERSION,
        **_facts(inspection),
        "segmentation": _facts(inspection.segmentation) if inspection.segmentation else None,
    }
    return json.dumps(_json_types(value), indent=2, ensure_ascii=False, allow_nan=False)


def _facts(inspection: Inspection) -> dict[str, Any]:
    return {
        "kind": inspection.kind,
        "file": inspection.file,
        "sha256": inspection.sha256,
        "name": inspection.name,
        "version": inspection.version,
        "precision": inspection.precision,
        "architecture": inspection.architecture,
        "network": {
            "clip_shape": inspection.clip_shape,
            "stages": [_stage(stage) for stage in inspection.stages],
            "parameters": inspection.parameters,
            "parameters_counted": inspection.counted,
            "macs": inspection.macs,
        },
        "preprocess": inspection.preprocess,
        "preprocess_sha256": inspection.preprocess_sha256,
        "trained_on": inspection.trained_on,
        "provenance": inspection.provenance,
        "artefacts": [asdict(artefact) for artefact in inspection.artefacts],
        "unknown": inspection.unknown,
    }


def _stage(stage: NetworkStage) -> dict[str, Any]:
    divisors = {"time_divisor": stage.time_divisor, "space_divisor": stage.space_divisor}
    return {**asdict(stage), **divisors}


def _json_types(value: Any) -> Any:
    """Convert to what JSON can represent: provenance comes from files and may hold other types."""
    if isinstance(value, Mapping):
        return {str(k): _json_types(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_json_types(v) for v in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)
