"""Dependencies of routes: the service, and the job in the path."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request
from starlette.exceptions import HTTPException

from edgeecho.service.http.service import Service
from edgeecho.service.jobs import STUDY, Job


def _service(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served = Annotated[Service, Depends(_service)]


def _job(job_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")], service: Served) -> Job:
    try:
        job = service.store.queue.get(job_id)
    except KeyError as error:
        raise HTTPException(404, "there is no such job") from error
    if job.source == STUDY:  # the API shows files; a study's answer goes to the archive
        raise HTTPException(404, "there is no such job")
    return job


Found = Annotated[Job, Depends(_job)]
