"""Errors as problem details (RFC 9457), one line each, without anything the client sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from edgeecho.common.errors import OutputError
from edgeecho.service.http.views import Problem
from edgeecho.service.jobs import KeyUsedError, QueueFullError

_MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return JSONResponse(
        body.model_dump(), status, headers=dict(headers or {}), media_type=_MEDIA_TYPE
    )


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the problems of a route beside those that all routes have."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {_MEDIA_TYPE: {"schema": _REF}},
        }
        for status in (400, 401, 403, *statuses)
    }


_REF = {"$ref": "#/components/schemas/Problem"}


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make `app`, which has these routes, answer every error with a problem; a bug's traceback goes
    to the log.
    """

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> JSONResponse:
        headers = error.headers
        if error.status_code == 405:
            # The framework considers only the first route with this path.
            headers = {"Allow": ", ".join(sorted(_methods(routes, request)))}
        return problem(error.status_code, error.detail, headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        return problem(422, f"{where}: {first['msg']}")

    @app.exception_handler(KeyUsedError)
    def _used(_: Request, error: KeyUsedError) -> JSONResponse:
        return problem(409, str(error))

    @app.exception_handler(QueueFullError)
    def _full(_: Request, error: QueueFullError) -> JSONResponse:
        return problem(429, str(error), {"Retry-After": f"{error.retry_after_s:.0f}"})

    @app.exception_handler(OutputError)
    def _disk(_: Request, __: OutputError) -> JSONResponse:
        # The error's own text names a folder of this machine.
        return problem(
            507, "the service's disk is full or cannot be written: make room, then send it again"
        )

    @app.exception_handler(Exception)
    def _bug(_: Request, __: Exception) -> JSONResponse:
        return problem(500, "a fault of the service: its log says more")


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            found |= route.methods or set()
    return found
