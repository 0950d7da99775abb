"""Checks of every request, and security headers of every response."""

from __future__ import annotations

import asyncio
import hmac
import time
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgeecho.service.http.events import MEDIA_TYPE as EVENT_STREAM
from edgeecho.service.http.problems import PROTOCOL, of_protocol, said
from edgeecho.service.http.service import Service

UPLOAD = "/api/v1/jobs"
_MOST_BODY = 1 << 16
_BODY_S = 20.0
_CLOSE = {"Connection": "close"}
_GUARDED = ("/api/", "/metrics")
_PROBES = f"{PROTOCOL}/health/"
_HEADERS = {
    # The page's own files, and frames that are part of a result; nothing from other hosts.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin, status, streamed = time.perf_counter(), 500, False

        async def sealed(message: Message) -> None:
            nonlocal status, streamed
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                streamed = headers.get("content-type", "").startswith(EVENT_STREAM)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._forbids(scope) or self._app
        # Uploads have their own limits.
        upload = scope["method"] == "POST" and _takes_file(scope["path"])
        try:
            await answer(scope, receive if upload else _bounded(receive), sealed)
        finally:
            if not streamed:
                route = getattr(scope.get("route"), "path", "other")
                seconds = time.perf_counter() - begin
                self._service.metrics.request(_method(scope), route, status, seconds)

    def _forbids(self, scope: Scope) -> ASGIApp | None:
        headers, settings = Headers(scope=scope), self._service.settings
        host = headers.get("host", "")
        if not _is_ours(host, settings.names):
            # DNS rebinding: another site's page reaches this machine under that site's name.
            return said(
                scope,
                400,
                "this service does not go by that name: use its address, or start it with --name",
            )
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host:
            return said(scope, 403, "a page from elsewhere may not use this service")
        if settings.token and _is_guarded(scope["path"]):
            given = headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, f"Bearer {settings.token}".encode()):
                return said(
                    scope,
                    401,
                    "a token is needed: send Authorization: Bearer TOKEN",
                    {"WWW-Authenticate": "Bearer"},
                )
        return None


def _takes_file(path: str) -> bool:
    return path == UPLOAD or (of_protocol(path) and path.endswith("/infer"))


def _is_guarded(path: str) -> bool:
    """Whether a path is one of data; health is everybody's."""
    return path.startswith(_GUARDED) or (of_protocol(path) and not path.startswith(_PROBES))


def _bounded(receive: Receive) -> Receive:
    """Limit a body's size and time; routes without a body do not read it."""
    end, total, whole = time.monotonic() + _BODY_S, 0, False

    async def read() -> Message:
        nonlocal total, whole
        if whole:  # waits for the client to disconnect
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(end - time.monotonic(), 0))
        except asyncio.TimeoutError as error:
            raise HTTPException(408, "the body came too slowly", _CLOSE) from error
        whole = not message.get("more_body", False)
        total += len(message.get("body", b""))
        if total > _MOST_BODY:
            raise HTTPException(413, f"the body has more than {_MOST_BODY} bytes", _CLOSE)
        return message

    return read


def _place(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_ours(host: str, names: tuple[str, ...]) -> bool:
    """Whether a Host header names this service. Names can be rebound, addresses cannot."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if "@" in host:
            return False
        if name in ("localhost", *(n.lower() for n in names)):
            return True
        ip_address(name)
    except ValueError:
        return False
    return True


def _method(scope: Scope) -> str:
    known = ("GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH")
    return scope["method"] if scope["method"] in known else "other"
