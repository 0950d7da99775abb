"""Server-sent events: each change at once, and a heartbeat when nothing changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from edgeecho.service.http.service import Service
from edgeecho.service.http.views import JobView

MEDIA_TYPE = "text/event-stream"
# Time between two polls: finer progress is not visible.
_LOOK_S = 0.1
# A client that receives nothing for longer knows that the service or the network is down.
_BEAT_S = 3.0
_BEAT = ": nothing new\n\n"


async def job_events(service: Service, job_id: str) -> AsyncIterator[str]:
    """`queued`, `reading`, `engine` as they change, then `ended`; the data is a `JobView`."""
    told: JobView | None = None
    async for changed in _ticks(service):
        if changed is None:
            yield _BEAT
            continue
        view = await run_in_threadpool(service.look, job_id)
        if view != told:
            told = view
            yield _event(_stage(view), view)
        if view.finished is not None:
            return


async def all_events(service: Service, most: int) -> AsyncIterator[str]:
    """`job` for each of the last `most` jobs, oldest first, then for each that changes."""
    number = service.changes.number
    jobs = await run_in_threadpool(service.history, most)
    for view in reversed(jobs):
        yield _event("job", view)
    yield "event: whole\ndata: {}\n\n"
    async for changed in _ticks(service):
        if changed is None:
            yield _BEAT
            continue
        number, ids = service.changes.since(number)
        for job_id in ids:
            view = await run_in_threadpool(service.look, job_id)
            yield _event("job", view)


async def _ticks(service: Service) -> AsyncIterator[int | None]:
    """The number of the last change, at once and after each change; None for a heartbeat."""
    number, beat = None, time.monotonic()
    while not service.closing.is_set():
        if service.changes.number != number:
            number, beat = service.changes.number, time.monotonic()
            yield number
        elif time.monotonic() - beat > _BEAT_S:
            beat = time.monotonic()
            yield None
        await asyncio.sleep(_LOOK_S)


def _stage(view: JobView) -> str:
    if view.finished is not None:
        return "ended"
    if view.status == "queued":
        return "queued"
    return view.progress.stage if view.progress else "reading"


def _event(name: str, view: JobView) -> str:
    return f"event: {name}\ndata: {view.model_dump_json()}\n\n"
