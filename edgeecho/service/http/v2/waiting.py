"""Waiting for what another thread answers, as long as somebody wants it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Any, TypeVar

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from edgeecho.service.http.service import Service

_LOOK_S = 0.2
T = TypeVar("T")


async def until_done(future: Future[T], request: Request, service: Service) -> T:
    """The result of `future`, or its exception. Before that it is cancelled, with
    `ClientDisconnect` if the client is gone and `HTTPException` 503 if the service ends.

    The body of `request` must have been read.
    """
    wrapped = asyncio.wrap_future(future)
    # The next message says that it is gone.
    gone: asyncio.Future[Any] = asyncio.ensure_future(request.receive())
    both: set[asyncio.Future[Any]] = {wrapped, gone}
    try:
        while not wrapped.done():
            await asyncio.wait(both, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not wrapped.done():
                raise ClientDisconnect
            if not wrapped.done() and (service.closing.is_set() or not service.alive):
                raise HTTPException(503, "the service ends: send it again later")
        return wrapped.result()
    finally:
        gone.cancel()
        wrapped.cancel()
