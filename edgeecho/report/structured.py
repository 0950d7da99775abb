"""Results for programs, and the JSON Schema that says what is in them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho import RESEARCH_USE, __version__
from edgeecho.estimation import EFEstimate
from edgeecho.report.outcome import Failure, Outcome

SCHEMA = "edgeecho-results-2"
"""Its number grows whenever a program that reads these documents could stumble over a change."""


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of `to_json`'s documents."""
    file = Path(__file__).parent / "schema" / f"{SCHEMA}.json"
    return file.read_text(encoding="utf-8")


def to_json(outcomes: Sequence[Outcome]) -> str:
    """One JSON document; `schema_text` says what its fields mean."""
    answers = [o.answer for o in outcomes if isinstance(o.answer, EFEstimate)]
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": __version__,
        "model": _model(answers[0]) if answers else None,
        "engine": asdict(answers[0].engine) if answers else None,
        "results": [
            {"number": number, "file": o.file, **_answer(o)} for number, o in enumerate(outcomes, 1)
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)


def _model(answer: EFEstimate) -> dict[str, Any]:
    model = answer.model
    return {
        "name": model.name,
        "version": model.version,
        "precision": model.precision,
        "sha256": model.sha256,
        "preprocess_sha256": model.preprocess.sha256(),
        "trained_on": model.trained_on,
    }


def _answer(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    if isinstance(answer, Failure):
        return {"error": answer.message, "exit_code": answer.exit_code}
    return {
        "sha256": outcome.sha256,
        "ef": answer.ef,
        "sd": answer.sd,
        "clips": answer.clips,
        "clip_starts": answer.clip_starts,
        "clip_times_s": answer.clip_times_s,
        "clip_efs": answer.clip_efs,
        "video": {**asdict(answer.video), "beats_per_clip": answer.video.beats_per_clip},
        "warnings": answer.warnings,
        "timings_ms": answer.timings_ms,
    }
