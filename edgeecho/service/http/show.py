"""Making the API's view of a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from edgeecho.service.http.views import JobView
from edgeecho.service.jobs import Job, JobStore, Runner

_AS_THEY_ARE = (
    "id", "source", "status", "received", "started", "finished", "size", "sha256", "error",
)  # fmt: skip
REVIEWS = ("accepted", "rejected")
"""Events of the audit trail that are a reviewer's decision."""


def show(job: Job, store: JobStore, runner: Runner) -> JobView:
    """The view of a job, with what store and runner know of it now."""
    waiting = store.queue.waiting() if job.status == "queued" else []
    progress = runner.progress(job.id) if job.status == "running" else None
    said = store.trail.last(job.id, REVIEWS)
    return JobView.model_validate(
        {
            **{name: getattr(job, name) for name in _AS_THEY_ARE},
            "place": waiting.index(job.id) if job.id in waiting else None,
            "progress": asdict(progress) if progress else None,
            "summary": _summary(job.document) if job.document else None,
            "review": said
            and {"decision": said.event, "note": str(said.detail.get("note", "")), "at": said.at},
            "forms": sorted(["json", *store.forms.suffixes(job.id)]) if job.document else [],
        }
    )


def _summary(document: Mapping[str, Any]) -> dict[str, Any]:
    (result,) = document["results"]
    return {
        "ef": result.get("ef"),
        "band": result.get("band"),
        "interval": result.get("interval"),
        "refusals": [refusal["gate"] for refusal in result["refusals"]],
        "warnings": len(result["warnings"]),
    }
