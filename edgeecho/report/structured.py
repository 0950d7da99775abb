"""Results for programs, and the JSON Schema that describes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report.beats import to_values
from edgeecho.results import Answer, Failure, Outcome, answers

SCHEMA = "edgeecho-results-1"
"""The number increases with every change that could break a program that reads these documents."""
SHOWN = "although refused"
"""Mark beside a number that a gate refused."""


def schema_text() -> str:
    """The JSON Schema (draft 2020-12) of `to_json`'s documents."""
    file = Path(__file__).parent / "schema" / f"{SCHEMA}.json"
    return file.read_text(encoding="utf-8")


def to_json(outcomes: Sequence[Outcome]) -> str:
    """One JSON document, described by `schema_text`."""
    return json.dumps(to_document(outcomes), indent=2, ensure_ascii=False, allow_nan=False)


def to_document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The document of `to_json` in plain types."""
    ran = answers(outcomes)
    return {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": VERSION,
        "model": _model(ran[0]) if ran else None,
        "engine": asdict(ran[0].engine) if ran else None,
        "segmentation": _segmentation(ran[0]) if ran else None,
        "results": [
            {"number": number, "file": o.file, "status": o.status, **_answer(o)}
            for number, o in enumerate(outcomes, 1)
        ],
    }


def _model(answer: Answer) -> dict[str, Any]:
    model = answer.model
    return {
        "name": model.name,
        "version": model.version,
        "precision": model.precision,
        "sha256": model.sha256,
        "preprocess_sha256": model.preprocess.sha256(),
        "trained_on": model.trained_on,
    }


def _segmentation(answer: Answer) -> dict[str, Any] | None:
    masks, tracing = answer.model.segmentation, answer.tracing
    if masks is None or tracing is None:
        return None
    return {
        "architecture": masks.architecture,
        "sha256": masks.sha256,
        "engine": asdict(tracing.engine),
    }


def _answer(outcome: Outcome) -> dict[str, Any]:
    answer = outcome.answer
    if isinstance(answer, Failure):
        return {"error": answer.message, "exit_code": answer.exit_code}
    return {
        "sha256": outcome.sha256,
        "refusals": [asdict(refusal) for refusal in answer.refusals],
        **_numbers(answer),
        "beats": _beats(answer),
        "clips": answer.clips,
        "clip_starts": answer.clip_starts,
        "clip_times_s": answer.clip_times_s,
        "video": {**asdict(answer.video), "beats_per_clip": answer.video.beats_per_clip},
        "warnings": answer.warnings,
        "timings_ms": answer.timings_ms,
    }


def _numbers(answer: Answer) -> dict[str, Any]:
    numbers = answer.numbers or answer.although_refused
    # Absent, not null, so that a program that does not know refusals stops.
    if numbers is None:
        return {}
    return {
        **({"shown": SHOWN} if answer.although_refused else {}),
        "ef": numbers.ef,
        "band": numbers.band,
        "interval": asdict(numbers.interval) if numbers.interval else None,
        "probabilities": asdict(numbers.probabilities) if numbers.probabilities else None,
        "sd": numbers.sd,
        "clip_efs": numbers.clip_efs,
    }


def _beats(answer: Answer) -> dict[str, Any] | None:
    tracing, numbers = answer.tracing, answer.numbers or answer.although_refused
    if tracing is None:
        return None
    words = {"rule": tracing.rule, "reason": tracing.reason}
    if numbers is None or numbers.beats is None:
        return words
    return {**words, **to_values(numbers.beats, tracing.source)}
