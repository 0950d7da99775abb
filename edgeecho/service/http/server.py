"""Running the service on a socket until it is told to stop."""

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

# Time for requests in progress to end.
_GRACE_S = 3
# At a time, including event streams; further ones are answered with 503.
_MOST_REQUESTS = 256
# Connections that wait for a request. Both together stay below the 1024 descriptors that many
# systems give a process.
_MOST_IDLE = 512
# Connections that are accepted before any is read: fewer than may be idle, so that a connection
# with a request is not closed before it is read.
_BACKLOG = 256
# Time limit for a connection without a request: uvicorn's own begins after the first request.
_IDLE_S = 5.0


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; `UsageError` if that is impossible."""
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=128
        )
        # Head and body are sent separately; otherwise the body would wait 40 ms for the client's
        # acknowledgement. Connections inherit this from the listener.
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
    """A server that runs until SIGTERM or Ctrl-C; `UsageError` if the TLS files do not fit.

    `on_start` is called once it takes requests and can be stopped.
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
            # uvicorn has no setting for this, and asyncio's default is a minute.
            loop = asyncio.get_running_loop()
            within = partial(loop.create_server, ssl_handshake_timeout=_IDLE_S)
            loop.create_server = within  # type: ignore[method-assign]
        await super().startup(sockets)
        self._on_start()

    async def on_tick(self, counter: int) -> bool:
        # Otherwise studies or reports would wait for ever: better to end and be restarted.
        return await super().on_tick(counter) or not self._service.alive

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # Event streams do not end on their own.
        self._service.closing.set()
        # Replaces uvicorn's handler, which lets the signal end the process before the queue closes.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True
