"""Writing a request's body to a file, with a place in the queue, and limits on size and time."""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from edgeecho.common.errors import OutputError
from edgeecho.service.http.service import Service
from edgeecho.service.http.settings import HttpSettings

_PIECE = 1 << 20
_CLOSE = {"Connection": "close"}


@asynccontextmanager
async def taken(request: Request, service: Service) -> AsyncIterator[Path]:
    """The body as a file, which has a place in the queue and is there while the block runs.

    Errors as in `Service.take_place` and `receive`.
    """
    place = await run_in_threadpool(service.take_place)
    part = service.store.queue.new_file()
    try:
        await receive(request, part, service.settings, service.store.queue.room.check_disk)
        yield part
    finally:
        part.unlink(missing_ok=True)
        service.give_place(place)


async def receive(
    request: Request, part: Path, settings: HttpSettings, check_disk: Callable[[int], None]
) -> None:
    """Write the body to `part`.

    `HTTPException` 400 (empty), 408 (too slow), 413 (too large); `OutputError` if the disk is full,
    also by `check_disk` (`Room.check_disk`); `ClientDisconnect` if the client is gone. The caller
    removes what was written.
    """
    claimed = request.headers.get("content-length", "")
    size = int(claimed) if claimed.isdigit() else 0
    if size > settings.most_bytes:
        raise _too_large(settings.most_bytes)
    try:
        await run_in_threadpool(check_disk, size)
        with part.open("wb") as file:
            part.chmod(0o600)

            def write(piece: bytes) -> None:
                file.write(piece)
                check_disk(0)  # the body's size may be unknown

            await _write(_within(request.stream(), settings), write, settings.most_bytes)
            await run_in_threadpool(file.flush)
            if file.tell() == 0:
                raise HTTPException(
                    400, "the body is empty: send the bytes of a video or DICOM file"
                )
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise OutputError(f"{part.parent} cannot be written: {error.strerror}") from error


async def _write(pieces: AsyncIterator[bytes], write: Callable[[bytes], None], most: int) -> None:
    """Write in a thread, since a disk may be slow, a megabyte at a time."""
    total, held = 0, bytearray()
    async for piece in pieces:
        total += len(piece)
        if total > most:
            raise _too_large(most)
        held += piece
        if len(held) >= _PIECE:
            await run_in_threadpool(write, bytes(held))
            held.clear()
    await run_in_threadpool(write, bytes(held))


async def _within(stream: AsyncIterator[bytes], settings: HttpSettings) -> AsyncIterator[bytes]:
    end = time.monotonic() + settings.upload_s
    while True:
        patience = min(settings.silence_s, end - time.monotonic())
        try:
            yield await asyncio.wait_for(anext(stream), max(patience, 0))
        except StopAsyncIteration:
            return
        except asyncio.TimeoutError as error:
            raise HTTPException(
                408,
                f"the file came too slowly: {settings.silence_s:g} s without a byte and "
                f"{settings.upload_s:g} s in all are allowed",
                _CLOSE,
            ) from error


def _too_large(most: int) -> HTTPException:
    return HTTPException(
        413, f"the file has more than {most / 1e6:g} MB, the limit here: send a shorter video"
    )
