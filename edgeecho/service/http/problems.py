"""Errors, one line each, without anything the client sent: as problem details (RFC 9457), and under
`PROTOCOL` as the Open Inference Protocol has them.
"""

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
PROTOCOL = "/v2"
"""Where the Open Inference Protocol begins; see `edgeecho.service.http.v2`."""


def said(
    scope: Mapping[str, Any], status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error, in the form of the API that the request `scope` is for."""
    if of_protocol(scope["path"]):
        return JSONResponse({"error": detail}, status, headers=dict(headers or {}))
    return problem(status, detail, headers)


def of_protocol(path: str) -> bool:
    """Whether a path is one of the Open Inference Protocol's."""
    return path == PROTOCOL or path.startswith(f"{PROTOCOL}/")


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


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the errors of a route of the Open Inference Protocol."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": _ERROR}},
        }
        for status in (400, 401, 403, *statuses)
    }


_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "One line."}},
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
        return said(request.scope, error.status_code, error.detail, headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
        return said(request.scope, 422, f"{where}: {first['msg']}")

    @app.exception_handler(KeyUsedError)
    def _used(request: Request, error: KeyUsedError) -> JSONResponse:
        return said(request.scope, 409, str(error))

    @app.exception_handler(QueueFullError)
    def _full(request: Request, error: QueueFullError) -> JSONResponse:
        wait = {"Retry-After": f"{error.retry_after_s:.0f}"}
        return said(request.scope, 429, str(error), wait)

    @app.exception_handler(OutputError)
    def _disk(request: Request, _: OutputError) -> JSONResponse:
        # The error's own text names a folder of this machine.
        words = "the service's disk is full or cannot be written: make room, then send it again"
        return said(request.scope, 507, words)

    @app.exception_handler(Exception)
    def _bug(request: Request, _: Exception) -> JSONResponse:
        return said(request.scope, 500, "a fault of the service: its log says more")


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    found: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL:
            found |= route.methods or set()
    return found
