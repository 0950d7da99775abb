"""The REST API, version 1."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from edgeecho.service.http import events
from edgeecho.service.http.forms import MEDIA_TYPES
from edgeecho.service.http.problems import problem, responses
from edgeecho.service.http.service import Service
from edgeecho.service.http.show import REVIEWS
from edgeecho.service.http.upload import receive
from edgeecho.service.http.views import (
    AboutView,
    EntryView,
    HistoryView,
    JobView,
    ReviewIn,
    TrailView,
)
from edgeecho.service.jobs import Job

router = APIRouter(prefix="/api/v1")
MOST_REVIEWS = 1000
"""Of one job: nobody means more, and each is kept for good."""
# More than a job has: its reviews, 100 attempts at a delivery, and a few more.
_WHOLE_TRAIL = 2000
_BINARY = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {events.MEDIA_TYPE: {"schema": {"type": "string"}}}},
}


def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(_service)]
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


def _job(job_id: JobId, service: Served) -> Job:
    try:
        return service.store.queue.get(job_id)
    except KeyError as error:
        raise HTTPException(404, "there is no such job") from error


Found = Annotated[Job, Depends(_job)]


@router.get("/about", responses=responses())
def about(service: Served) -> AboutView:
    """What runs here, and its limits."""
    return service.about()


@router.post(
    "/jobs",
    status_code=202,
    response_model=JobView,
    responses=responses(408, 409, 413, 422, 429, 507),
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/octet-stream": _BINARY}}
    },
)
async def post_job(
    request: Request,
    response: Response,
    service: Served,
    idempotency_key: Annotated[
        str | None,
        Header(
            max_length=200,
            pattern="^[!-~]+$",
            description="Of your choice. The same file sent again under it is not a second job; "
            "another file under it is refused.",
        ),
    ] = None,
) -> Any:
    """Take the bytes of a video or DICOM file, whatever the content type; its name is not asked
    for. They are deleted when it has been answered, unless the service was told to keep them.
    """
    place = await run_in_threadpool(service.take_place)
    part = service.store.queue.new_file()
    try:
        await receive(request, part, service.settings, service.store.queue.room.check_disk)
        job = await run_in_threadpool(service.accept, part, idempotency_key)
    except ClientDisconnect:
        return problem(400, "the client is gone: nothing was accepted")
    finally:
        part.unlink(missing_ok=True)
        service.give_place(place)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return await run_in_threadpool(service.look, job.id)


@router.get("/jobs", responses=responses(422))
def get_jobs(
    service: Served,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[
        float | None, Query(description="`received` of a job: only those received earlier.")
    ] = None,
) -> HistoryView:
    """Jobs, the last received first."""
    return HistoryView(jobs=service.history(limit, before))


@router.get("/events", responses={**responses(), **_STREAM}, response_class=StreamingResponse)
def get_all_events(service: Served) -> StreamingResponse:
    """Server-sent events: `job` for each of the last jobs, `whole` after them, then `job` for each
    that changes. The data is a `JobView`.
    """
    return StreamingResponse(events.all_events(service, 50), media_type=events.MEDIA_TYPE)


@router.get("/jobs/{job_id}", responses=responses(404, 422))
def get_job(job: Found, service: Served) -> JobView:
    """A job as it is now."""
    return service.view(job)


@router.get(
    "/jobs/{job_id}/events",
    responses={**responses(404, 422), **_STREAM},
    response_class=StreamingResponse,
)
def get_events(job: Found, service: Served) -> StreamingResponse:
    """Server-sent events: `queued`, `reading`, `engine` (clips), then `ended`. The data is a
    `JobView`.
    """
    return StreamingResponse(events.job_events(service, job.id), media_type=events.MEDIA_TYPE)


@router.delete("/jobs/{job_id}", responses=responses(404, 422, 507))
def cancel_job(job: Found, service: Served) -> JobView:
    """Give it up; one that has ended stays as it is, and nothing leaves the history."""
    service.cancel(job.id)
    return service.look(job.id)


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
    return TrailView(
        entries=[
            EntryView(
                number=e.number,
                at=e.at,
                event=e.event,
                detail=dict(e.detail),
                chain=e.chain,
                broken=e.broken,
            )
            for e in service.store.trail.entries(job.id, after=after, most=limit)
        ]
    )


@router.get(
    "/jobs/{job_id}/result.{suffix}",
    responses={
        **responses(404, 409, 410, 422),
        200: {"content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}},
    },
    response_class=Response,
)
def get_result(job: Found, suffix: Annotated[str, Path()], service: Served) -> Response:
    """The result as json (`edgeecho schema`), csv or html (a page with frames and curve)."""
    if suffix not in MEDIA_TYPES:
        raise HTTPException(404, f"there is no such form: ask for {', '.join(MEDIA_TYPES)}")
    if job.document is None:
        raise HTTPException(404 if job.ended else 409, _no_result(job))
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
        # A file, never a document of this origin.
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _no_result(job: Job) -> str:
    if job.status == "failed":
        return f"it has no result: {job.error}"
    if job.status == "cancelled":
        return "it has no result: it was cancelled"
    return "it has no result yet: listen to its events"
