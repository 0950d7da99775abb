"""The ASGI app: API, page, health and metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from starlette.exceptions import HTTPException

from edgeecho.common.about import RESEARCH_USE, VERSION
from edgeecho.report.html.assets import read_asset
from edgeecho.service.http import api, problems, results
from edgeecho.service.http.guard import Guard
from edgeecho.service.http.service import Service
from edgeecho.service.http.v2 import routes
from edgeecho.service.http.v2.request import InferIn
from edgeecho.service.http.views import Problem, StateView

_PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


def make_app(service: Service) -> FastAPI:
    """The app of a started service."""
    app = FastAPI(
        title="edgeecho",
        version=VERSION,
        summary="Ejection fraction from echocardiogram videos.",
        description=RESEARCH_USE,
        # Both would load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
    )
    app.state.service = service
    routers = (api.router, results.router, routes.router)
    problems.install(app, [route for router in routers for route in router.routes])
    for router in routers:
        app.include_router(router)
    _add_state(app, service)
    _add_page(app)
    _describe_problems(app)
    app.add_middleware(Guard, service=service)
    return app


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/health")
    def health() -> StateView:
        """Whether the service runs at all."""
        return StateView(status="ok")

    @app.get("/ready", responses=problems.responses(503))
    def ready() -> StateView:
        """Whether it takes and answers jobs."""
        if reason := service.unready():
            raise HTTPException(503, reason)
        return StateView(status="ok")

    @app.get("/metrics", response_class=Response)
    def metrics() -> Response:
        """For Prometheus."""
        return Response(service.metrics_text(), media_type="text/plain; version=0.0.4")


def _add_page(app: FastAPI) -> None:
    # Read once, so that the page matches the running service. Results use the report's style and
    # player here as in a file.
    texts = {f"/{path.name}": path.read_text("utf-8") for path in _PAGE.iterdir()}
    texts |= {"/report.css": read_asset("page.css"), "/player.js": read_asset("player.js")}
    texts["/"] = texts.pop("/index.html").replace("$research_use", RESEARCH_USE)
    for path, text in texts.items():
        media_type = _TYPES[Path(path).suffix or ".html"]
        app.add_api_route(path, _sender(text, media_type), include_in_schema=False)


def _sender(text: str, media_type: str) -> Any:
    def send() -> Response:
        return Response(text, media_type=media_type, headers={"Cache-Control": "no-cache"})

    return send


def _describe_problems(app: FastAPI) -> None:
    described = app.openapi()
    schemas = described["components"]["schemas"]
    for model in (Problem, InferIn):
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas[model.__name__] = schema
