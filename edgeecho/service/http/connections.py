"""Closing idle connections, so that they do not crowd out other clients.

uvicorn counts them as requests, keeps those without any request, and never closes one to make
room.
"""

from __future__ import annotations

import asyncio
from ipaddress import IPv6Address, ip_address
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

_MOST_STALLED = 6
"""How often a client may be found to read nothing of its response before it is disconnected."""


class Idle:
    """A server's connections that wait for a request. Only for its event loop."""

    def __init__(self, most: int) -> None:
        """With more than `most`, one of the client that has the most is closed."""
        self._most, self._count = most, 0
        self._by_client: dict[str, dict[Protocol, None]] = {}  # each in order of arrival

    def __len__(self) -> int:
        return self._count

    def __contains__(self, connection: Protocol) -> bool:
        return connection in self._by_client.get(connection.place, {})

    def add(self, connection: Protocol) -> None:
        """Add an idle connection; an old one may be closed to make room."""
        self._by_client.setdefault(connection.place, {})[connection] = None
        self._count += 1
        if self._count > self._most:
            waiting = max(self._by_client.values(), key=len)
            oldest = next(iter(waiting))
            next((one for one in waiting if not one.unsent), oldest).drop()

    def discard(self, connection: Protocol) -> None:
        if connection in self:
            waiting = self._by_client[connection.place]
            del waiting[connection]
            self._count -= 1
            if not waiting:
                del self._by_client[connection.place]


class Protocol(H11Protocol):
    """A connection, idle until all headers of a request have come."""

    _timer: asyncio.TimerHandle | None = None
    place = ""
    """The client's address, or its network if a client can have many addresses."""

    def __init__(
        self, *args: Any, idle: Idle, idle_s: float, most_requests: int, **options: Any
    ) -> None:
        """`idle_s`: time limit for a connection to send a complete request."""
        super().__init__(*args, **options)
        self._idle, self._idle_s, self._most_requests = idle, idle_s, most_requests

    @property
    def unsent(self) -> int:
        """Bytes of responses that the client has not read."""
        return self.transport.get_write_buffer_size()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.place = _place(self.client[0] if self.client else "")
        self._settle()

    def data_received(self, data: bytes) -> None:
        self._count_requests()
        super().data_received(data)
        self._settle()

    def on_response_complete(self) -> None:
        self._count_requests()  # another may already be there
        super().on_response_complete()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        self._idle.discard(self)
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close it at once, and tell uvicorn afterwards."""
        self._idle.discard(self)
        self.connections.discard(self)
        self.transport.abort()  # with TLS, `close` would wait for the client

    @property
    def _asks(self) -> bool:
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _count_requests(self) -> None:
        # uvicorn compares this with the number of all connections.
        self.limit_concurrency = self._most_requests + len(self._idle)

    def _settle(self) -> None:
        if self._asks:
            self._idle.discard(self)
        elif self not in self._idle and not self.transport.is_closing():
            # Between requests uvicorn limits the wait for the first byte; the rest may take longer.
            self._watch(self._idle_s if self.cycle is None else 2 * self._idle_s)
            self._idle.add(self)

    def _watch(self, seconds: float, stalled: int = 0) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, self._look, self.unsent, stalled)

    def _look(self, before: int, stalled: int) -> None:
        if not self.unsent and not self._asks:
            self.drop()
            return
        stalled = stalled + 1 if self.unsent and self.unsent == before else 0
        if stalled < _MOST_STALLED:
            self._watch(self._idle_s, stalled)
        else:
            self.drop()


def _place(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and not found.ipv4_mapped:
        return str(int(found) >> 64)
    return address
