"""Finding truncation and damage by walking through a file's chunks, boxes or elements."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

# Elements to look at; no cine within the limits has more, sound included.
_MOST = 200_000
_HEAD_BYTES = 20
_MOST_PADDING = 1 << 20


@dataclass
class Structure:
    """What the walk found; the defaults if the container has no such structure."""

    cut: bool = False
    """An element ends after the end of the file: it is truncated."""
    broken: bool = False
    """Something in the middle is not valid; what follows it was not looked at."""
    fragments: bool = False
    """It is a fragmented MP4: each fragment has its own index, and no index names all frames."""
    empty: int = 0
    """Empty chunks of an AVI, each for a frame that was not recorded: the previous one stays."""


@dataclass(frozen=True)
class _Element:
    name: bytes
    head: int
    size: int | None
    """Size of the content in bytes; None if it extends to the end of its parent."""


def read_structure(source: BinaryIO, kind: str) -> Structure:
    """Walk through a file; `kind` is that of `container_of`. Leaves `source` at its start."""
    found = Structure()
    if kind in _KINDS:
        _walk(source, *_KINDS[kind], found)
    source.seek(0)
    return found


def _walk(
    source: BinaryIO,
    parse: Callable[[bytes], _Element | None],
    opened: frozenset[bytes],
    found: Structure,
) -> None:
    length = source.seek(0, 2)
    at, ends = 0, [math.inf]
    for _ in range(_MOST):
        while ends and at >= ends[-1]:
            ends.pop()
        if at >= length or not ends:
            return
        source.seek(at)
        head = source.read(_HEAD_BYTES)
        element = parse(head)
        beside = found.fragments and len(ends) == 1
        known = element is not None and element.name in _BESIDE_FRAGMENTS
        if beside and not known and _is_padding(source, at):
            return
        if element is None:
            # A few bytes before the end of the file may be the start of an element.
            found.cut |= length - at < _HEAD_BYTES and ends[-1] > length and any(head)
            found.broken |= not found.cut
            return
        end = ends[-1] if element.size is None else at + element.head + element.size
        if end > ends[-1]:
            found.broken = True
            return
        found.cut |= length < end < math.inf
        found.fragments |= element.name == b"moof"
        if element.name == _SEGMENT:
            ends.clear()  # what follows is not part of the segment
        if element.name in opened:
            ends.append(end)
            at += element.head
        elif end == math.inf:
            return
        else:
            found.empty += element.size == 0 and element.name[2:] in (b"dc", b"db")
            at = int(end)


def _is_padding(source: BinaryIO, at: int) -> bool:
    """Whether the bytes after the last fragment are neither part of one nor the start of one."""
    source.seek(at)
    rest = source.read(_MOST_PADDING)
    # The size of a box begins with a zero byte.
    return b"moof" not in rest and (rest[0] != 0 or not any(rest))


def _chunk(head: bytes) -> _Element | None:
    """Parse a RIFF chunk; a list is named by the type of its content."""
    if len(head) < 8 or not head[:4].isascii() or not head[:4].strip(b"\0"):
        return None
    (size,) = struct.unpack_from("<I", head, 4)
    if head[:4] in (b"RIFF", b"LIST"):
        return _Element(head[8:12], 12, max(size - 4, 0))
    # Chunks of an odd size are padded by a byte.
    return _Element(head[:4], 8, size + size % 2)


def _box(head: bytes) -> _Element | None:
    """Parse a box of an MP4 (ISO/IEC 14496-12, 4.2)."""
    if len(head) < 8 or min(head[4:8]) < 0x20:
        return None
    size, name = struct.unpack_from(">I4s", head)
    if size == 0:
        return _Element(name, 8, None)
    if size == 1 and len(head) >= 16:
        (size,) = struct.unpack_from(">Q", head, 8)
        return _Element(name, 16, size - 16) if size >= 16 else None
    return _Element(name, 8, size - 8) if size >= 8 else None


def _ebml(head: bytes) -> _Element | None:
    """Parse an EBML element (RFC 8794); leading zeros give the lengths of its name and its size."""
    if not head or head[0] < 0x10:
        return None
    names = 9 - head[0].bit_length()
    if len(head) <= names or not head[names]:
        return None
    sizes = 9 - head[names].bit_length()
    number = head[names : names + sizes]
    if len(number) < sizes:
        return None
    size = int.from_bytes(number, "big") & ((1 << 7 * sizes) - 1)
    unknown = size == (1 << 7 * sizes) - 1
    name = head[:names]
    if name not in _EBML_NAMES or (unknown and name not in _EBML_OPENED):
        return None
    if name == _BLOCK and head[names + sizes : names + sizes + 1] < b"\x80":
        return None  # its track number would be above 126
    return _Element(name, names + sizes, None if unknown else size)


# ISO/IEC 14496-12, 4.3: boxes that may lie beside the fragments of an MP4.
_BESIDE_FRAGMENTS = frozenset(
    b"moof mdat sidx ssix styp mfra free skip emsg prft uuid moov ftyp meta udta".split()
)
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_BLOCK = b"\xa3"
_EBML_OPENED = frozenset({_SEGMENT, _CLUSTER})
# RFC 9559, 5.1: all elements that may lie beside these or inside them.
_BESIDE = "1a45dfa3 114d9b74 1549a966 1654ae6b 1c53bb6b 1043a770 1254c367 1941a469 ec bf"
_INSIDE = "e7 5854 a7 ab a3 a0 af"
_EBML_NAMES = _EBML_OPENED | set(map(bytes.fromhex, f"{_BESIDE} {_INSIDE}".split()))
_KINDS: dict[str, tuple[Callable[[bytes], _Element | None], frozenset[bytes]]] = {
    "avi": (_chunk, frozenset({b"AVI ", b"AVIX", b"movi", b"rec "})),
    "mp4": (_box, frozenset({b"moof", b"traf"})),
    "mkv": (_ebml, _EBML_OPENED),
}
