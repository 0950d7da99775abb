"""REST API for one job's result: its review, audit trail and formats."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from starlette.exceptions import HTTPException

from edgeecho.service.http.dependencies import Found, Served
from edgeecho.service.http.formats import MEDIA_TYPES, is_of
from edgeecho.service.http.problems import responses
from edgeecho.service.http.show import REVIEWS
from edgeecho.service.http.views import EntryView, JobView, ReviewIn, TrailView
from edgeecho.service.jobs import Job

router = APIRouter(prefix="/api/v1")
MOST_REVIEWS = 1000
"""Maximum per job: nobody needs more, and all are kept for good."""
# More than a job can have: its reviews, 100 delivery attempts, and a few more.
_WHOLE_TRAIL = 2000


@router.post("/jobs/{job_id}/review", responses=responses(404, 408, 409, 413, 422, 507))
def review_job(job: Found, review: ReviewIn, service: Served) -> JobView:
    """Accept or reject a result, into the audit trail; the last word counts, all are kept."""
    if job.document is None:
        raise HTTPException(409, _no_result(job))
    if service.store.trail.count(job.id, REVIEWS) >= MOST_REVIEWS:
        raise HTTPException(
            409, f"it has {MOST_REVIEWS} reviews, as many as are kept: the last one counts"
        )
    service.review(job.id, review.decision, review.note)
    return service.look(job.id)


@router.get("/jobs/{job_id}/trail", responses=responses(404, 422))
def get_trail(
    job: Found,
    service: Served,
    limit: Annotated[int, Query(ge=1, le=_WHOLE_TRAIL)] = _WHOLE_TRAIL,
    after: Annotated[
        int,
        Query(ge=0, le=2**62, description="`number` of an entry: only those that came later."),
    ] = 0,
) -> TrailView:
    """What happened to a job, the first of it first; nothing in it can be changed or taken away."""
    entries = service.store.trail.entries(job.id, after=after, most=limit)
    return TrailView(entries=[EntryView.model_validate(e, from_attributes=True) for e in entries])


@router.get(
    "/jobs/{job_id}/result.{suffix}",
    responses={
        **responses(404, 409, 410, 422),
        200: {"content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}},
    },
    response_class=Response,
)
def get_result(job: Found, suffix: Annotated[str, Path()], service: Served) -> Response:
    """The result as json (`edgeecho schema`), csv, beats.csv or html (a page with frames)."""
    if suffix not in MEDIA_TYPES:
        raise HTTPException(404, f"there is no such form: ask for {', '.join(MEDIA_TYPES)}")
    if job.document is None:
        raise HTTPException(404 if job.ended else 409, _no_result(job))
    if not is_of(suffix, job.document):
        raise HTTPException(404, "no beats were traced: the model has no segmentation")
    if suffix == "json":
        body = json.dumps(job.document, indent=2, ensure_ascii=False)
    else:
        body = service.store.forms.read(job.id, suffix) or ""
    if not body:
        raise HTTPException(
            410, "this form is kept of the latest results only: ask for json, or send it again"
        )
    name = f"edgeecho-{job.id[:8]}.{suffix}"
    return Response(
        body,
        media_type=MEDIA_TYPES[suffix],
        # Downloaded as a file, so that it never runs as a document of this origin.
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _no_result(job: Job) -> str:
    if job.status == "failed":
        return f"it has no result: {job.error}"
    if job.status == "cancelled":
        return "it has no result: it was cancelled"
    return "it has no result yet: listen to its events"
