"""The paths of the protocol."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from edgeecho.common.about import VERSION
from edgeecho.service.http.dependencies import Served
from edgeecho.service.http.problems import PROTOCOL, refusals, said
from edgeecho.service.http.service import Service
from edgeecho.service.http.v2.models import Model, models
from edgeecho.service.http.v2.request import TensorView

router = APIRouter(prefix=PROTOCOL)
_ONE, _VERSION = "/models/{name}", "/models/{name}/versions/{version}"
_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/InferIn"}},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}


class LiveView(BaseModel):
    """Of the server."""

    live: bool


class ReadyView(BaseModel):
    """Of a model."""

    name: str
    ready: bool


class ServerView(BaseModel):
    """Metadata of the server."""

    name: str
    version: str
    extensions: list[str]


class ModelMetadata(BaseModel):
    """Metadata of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorView]
    outputs: list[TensorView]


@router.get("", responses=refusals())
def server() -> ServerView:
    """What this server is."""
    return ServerView(name="edgeecho", version=VERSION, extensions=["binary_tensor_data"])


@router.get("/health/live", responses=refusals())
def live() -> LiveView:
    """Whether it runs at all."""
    return LiveView(live=True)


@router.get("/health/ready", responses=refusals(503))
def ready(service: Served) -> LiveView:
    """Whether it takes and answers requests."""
    _check_ready(service)
    return LiveView(live=True)


@router.get(_ONE, responses=refusals(404, 422))
@router.get(_VERSION, responses=refusals(404, 422))
def metadata(name: str, service: Served, version: str | None = None) -> ModelMetadata:
    """Inputs and outputs of a model."""
    model = _find(service, name, version)
    return ModelMetadata(
        name=name,
        versions=[service.task.model.version],
        platform="edgeecho",
        inputs=[model.given],
        outputs=model.outputs,
    )


@router.get(f"{_ONE}/ready", responses=refusals(404, 422, 503))
@router.get(f"{_VERSION}/ready", responses=refusals(404, 422, 503))
def model_ready(name: str, service: Served, version: str | None = None) -> ReadyView:
    """Whether a model takes and answers requests."""
    _find(service, name, version)
    _check_ready(service)
    return ReadyView(name=name, ready=True)


_INFER: dict[str, Any] = {
    "responses": refusals(404, 408, 409, 413, 415, 422, 429, 500, 503, 507),
    "openapi_extra": {"requestBody": _BODY},
    "response_class": Response,
}


@router.post(f"{_ONE}/infer", **_INFER)
@router.post(f"{_VERSION}/infer", **_INFER)
async def infer(
    name: str, request: Request, service: Served, version: str | None = None
) -> Response:
    """Answer a file (`edgeecho`) as `edgeecho infer` does, or run clips through the network alone
    (`edgeecho-clips`): no gate sees those.
    """
    model = _find(service, name, version)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "Content-Encoding is not known here: send it uncompressed")
    try:
        return await model.infer(request, service)
    except ClientDisconnect:
        return said(request.scope, 400, "the client is gone: nothing is answered")


def _find(service: Service, name: str, version: str | None) -> Model:
    model = models(service).get(name)
    if model is None or version not in (None, service.task.model.version):
        raise HTTPException(404, "there is no model of that name and version")
    return model


def _check_ready(service: Service) -> None:
    if reason := service.unready():
        raise HTTPException(503, reason)
