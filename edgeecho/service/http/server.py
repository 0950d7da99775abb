"""The service on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import uvicorn

from edgeecho.common.errors import UsageError
from edgeecho.service.http.app import make_app
from edgeecho.service.http.connections import Idle, Protocol
from edgeecho.service.http.service import Service

# For requests in flight to end.
_GRACE_S = 3
# At once, event streams among them; further ones are answered with 503.
_MOST_REQUESTS = 256
# Connections that wait for a request. Both together stay below the 1024 descriptors that many
# systems give a process.
_MOST_IDLE = 512
# Connections that are taken at once, before any of them is read: fewer than may be idle, so that a
# request among them is not closed before it is seen.
_BACKLOG = 256
# A connection without a request is closed after it: uvicorn's own limit begins after the first.
_IDLE_S = 5.0


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; `UsageError` where it cannot."""
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
        # Head and body go out one after the other, and without this the body would wait 40 ms for
        # the client's acknowledgement. Connections take it over from the listener.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"cannot listen on {host} port {port} ({reason}): choose another --host or --port"
        ) from error


def make_server(
    service: Service,
    *,
    cert: Path | None = None,
    key: Path | None = None,
    on_start: Callable[[], None] = lambda: None,
) -> uvicorn.Server:
    """Runs until SIGTERM or Ctrl-C; `UsageError` where the TLS files do not fit.

    `on_start` is called once it takes requests and can be told to stop.
    """
    config = uvicorn.Config(
        make_app(service),
        http=partial(  # type: ignore[arg-type]  # it is only called
            Protocol, idle=Idle(_MOST_IDLE), idle_s=_IDLE_S, most_requests=_MOST_REQUESTS
        ),
        backlog=_BACKLOG,
        ws="none",
        lifespan="off",
        # Its access log would name clients.
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise UsageError(
            "--tls-cert and --tls-key cannot be used: give a certificate and its key, in PEM"
        ) from error
    return _Server(config, service, on_start)


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, service: Service, on_start: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._service, self._on_start = service, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.ssl:
            # uvicorn has no setting for it, and asyncio's own limit is a minute.
            loop = asyncio.get_running_loop()
            within = partial(loop.create_server, ssl_handshake_timeout=_IDLE_S)
            loop.create_server = within  # type: ignore[method-assign]
        await super().startup(sockets)
        self._on_start()

    async def on_tick(self, counter: int) -> bool:
        # Without it studies or their reports would wait for ever: better to end and be restarted.
        return await super().on_tick(counter) or not self._service.alive

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Event streams never end by themselves.
        self._service.closing.set()
        # Not uvicorn's own, which lets the signal end the process before the queue is closed.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
