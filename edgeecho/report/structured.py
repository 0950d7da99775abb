"""Results for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgeecho import RESEARCH_USE, __version__
from edgeecho.estimation import EFEstimate
from edgeecho.report.outcome import Failure, Outcome

SCHEMA = "edgeecho-results-1"


def to_json(outcomes: Sequence[Outcome]) -> str:
    """One JSON document; EF and spreads in %, times in ms."""
    answers = [o.answer for o in outcomes if isinstance(o.answer, EFEstimate)]
    value = {
        "schema": SCHEMA,
        "research_use": RESEARCH_USE,
        "edgeecho": __version__,
        "model": _model(answers[0]) if answers else None,
        "engine": asdict(answers[0].engine) if answers else None,
        "results": [{"video": o.video, **_answer(o.answer)} for o in outcomes],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


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


def _answer(answer: EFEstimate | Failure) -> dict[str, Any]:
    if isinstance(answer, Failure):
        return {"error": answer.message, "exit_code": answer.exit_code}
    return {
        "ef": answer.ef,
        "sd": answer.sd,
        "clips": answer.clips,
        "clip_starts": answer.clip_starts,
        "clip_efs": answer.clip_efs,
        "frames": answer.frames,
        "fps": answer.fps,
        "fps_source": answer.fps_source,
        "warnings": answer.warnings,
        "timings_ms": answer.timings_ms,
    }
