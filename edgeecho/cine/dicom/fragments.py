"""Finding the fragments of compressed pixel data (PS3.5, A.4), even in damaged files."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.dicom.file import PixelData
from edgeecho.common.errors import InputError

ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_HEADER = re.compile(rb"\xfe\xff(?:\x00\xe0|\xdd\xe0\0\0\0\0)", re.DOTALL)
_CODESTREAM = (b"\xff\xd8\xff", b"\xff\x4f\xff")


@dataclass(frozen=True)
class Fragment:
    """One item of the pixel data."""

    at: int
    """Offset of its item, in bytes from the first item after the offset table."""
    data: memoryview


@dataclass(frozen=True)
class Fragments:
    """All fragments that could be found."""

    offsets: NDArray[np.uint64]
    """Basic offset table: `Fragment.at` of each frame's first fragment; empty in many files."""
    parts: list[Fragment | None]
    """None stands for an unreadable stretch of unknown content."""
    ended: bool
    """Whether the sequence delimiter is present."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A note for the result if the end is missing."""
        cut = "the pixel data has no end mark: the file may be cut short"
        return () if self.ended else (cut,)


def read_fragments(pixels: PixelData, name: str, most: int) -> Fragments:
    """Walk the items; after a broken one, continue at the next plausible one.

    `InputError` if there are more than `most`.
    """
    spans, ended = [], False
    at = pixels.start
    while at + 8 <= pixels.stop and not ended:
        found, after, ended = _step(pixels, at)
        spans += found
        at = after
        if len(spans) > most:
            raise InputError(
                f"{name}: its pixels are in more than {most} pieces: "
                "the file is damaged, export it again"
            )
    table = _table(pixels, spans)
    base = pixels.start
    if table is not None:
        base, spans = table[1], spans[1:]
    view = memoryview(pixels.buffer)
    parts = [s and Fragment(s[0] - 8 - base, view[s[0] : s[1]]) for s in spans]
    offsets = np.empty(0, np.uint64)
    if table is not None and (table[1] - table[0]) % 4 == 0:
        offsets = np.frombuffer(view[slice(*table)], "<u4").astype(np.uint64)
    return Fragments(offsets, parts, ended)


_Span = tuple[int, int]


def _step(pixels: PixelData, at: int) -> tuple[list[_Span | None], int, bool]:
    """The item at `at` with any gap after it, the offset of the next, and whether this ends it."""
    tag = pixels.buffer[at : at + 4]
    if tag == _END:
        return [], at, True
    if tag != ITEM:
        following = _next_item(pixels, at)
        return [None], pixels.stop if following is None else following, False
    start = at + 8
    end = _item_end(pixels, at)
    if _is_boundary(pixels, end):
        return [(start, end)], end, False
    following = _next_item(pixels, start)
    if following is None:  # truncated
        return [(start, min(end, pixels.stop))], pixels.stop, False
    if following <= end:  # its length is wrong
        return [(start, following)], following, False
    return [(start, end), None], following, False


def _item_end(pixels: PixelData, at: int) -> int:
    return at + 8 + int.from_bytes(pixels.buffer[at + 4 : at + 8], "little")


def _is_boundary(pixels: PixelData, at: int) -> bool:
    return at == pixels.stop or (at < pixels.stop and pixels.buffer[at : at + 4] in (ITEM, _END))


def _next_item(pixels: PixelData, at: int) -> int | None:
    """The next delimiter, or item that another item or the end follows: not pixels by chance."""
    for match in _HEADER.finditer(pixels.buffer, at, pixels.stop):
        found = match.start()
        if match.end() - found == 8 or _is_boundary(pixels, _item_end(pixels, found)):
            return found
    return None


def _table(pixels: PixelData, spans: list[_Span | None]) -> _Span | None:
    """The offset table, which is the first item, even if empty; some writers leave it out."""
    if not spans or spans[0] is None or spans[0][0] != pixels.start + 8:
        return None
    start = spans[0][0]
    return None if pixels.buffer[start : start + 3] in _CODESTREAM else spans[0]
