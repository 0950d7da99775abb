"""REST API, version 1: jobs and their events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from edgeecho.service.http import events
from edgeecho.service.http.dependencies import Found, Served
from edgeecho.service.http.problems import problem, responses
from edgeecho.service.http.upload import taken
from edgeecho.service.http.views import AboutView, HistoryView, JobView

router = APIRouter(prefix="/api/v1")
_BINARY = {"schema": {"type": "string", "format": "binary", "minLength": 1}}
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {events.MEDIA_TYPE: {"schema": {"type": "string"}}}},
}


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
    try:
        async with taken(request, service) as part:
            job = await run_in_threadpool(service.accept, part, idempotency_key)
    except ClientDisconnect:
        return problem(400, "the client is gone: nothing was accepted")
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
    service.runner.cancel(job.id)
    return service.look(job.id)
