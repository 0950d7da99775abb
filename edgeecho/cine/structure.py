"""What the sizes inside a file say of its end and of its middle, whatever its header claims."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

# More than any cine that is read holds (sound included). Behind them nothing is looked at.
_MOST = 200_000
_HEAD_BYTES = 20
_MOST_PADDING = 1 << 20


@dataclass
class Structure:
    """Plain facts; of a kind of file that has no such structure none is true."""

    cut: bool = False
    """Something ends behind the end of the file."""
    broken: bool = False
    """Somewhere between is what cannot be there, so that what follows was not looked at."""
    fragments: bool = False
    """It is an MP4 in pieces, each with a list of its own frames: no list names them all."""
    empty: int = 0
    """Chunks of an AVI that stand for a frame which was not recorded: the one before stays."""


@dataclass(frozen=True)
class _Element:
    name: bytes
    head: int
    size: int | None
    """Of its content; None: up to the end of what it lies in."""


def look_at(source: BinaryIO, kind: str) -> Structure:
    """Walk through a file of a `kind` of `container_of`; leaves `source` at its begin."""
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
            # A few bytes before the end of the file may be the begin of an element.
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
            ends.clear()  # what follows it is not part of it
        if element.name in opened:
            ends.append(end)
            at += element.head
        elif end == math.inf:
            return
        else:
            found.empty += element.size == 0 and element.name[2:] in (b"dc", b"db")
            at = int(end)


def _is_padding(source: BinaryIO, at: int) -> bool:
    """Whether what lies behind the last fragment is neither a part of one nor the begin of one."""
    source.seek(at)
    rest = source.read(_MOST_PADDING)
    # The size of a box begins with a zero.
    return b"moof" not in rest and (rest[0] != 0 or not any(rest))


def _chunk(head: bytes) -> _Element | None:
    """Of a RIFF file; lists are named by what they list."""
    if len(head) < 8 or not head[:4].isascii() or not head[:4].strip(b"\0"):
        return None
    (size,) = struct.unpack_from("<I", head, 4)
    if head[:4] in (b"RIFF", b"LIST"):
        return _Element(head[8:12], 12, max(size - 4, 0))
    # An odd chunk is padded.
    return _Element(head[:4], 8, size + size % 2)


def _box(head: bytes) -> _Element | None:
    """ISO/IEC 14496-12, 4.2."""
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
    """RFC 8794: the name and the size are numbers whose leading zeros tell their lengths."""
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
        return None  # it would be of a track beyond the 126th
    return _Element(name, names + sizes, None if unknown else size)


# ISO/IEC 14496-12, 4.3: what may lie beside the fragments of an MP4.
_BESIDE_FRAGMENTS = frozenset(
    b"moof mdat sidx ssix styp mfra free skip emsg prft uuid moov ftyp meta udta".split()
)
_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"
_BLOCK = b"\xa3"
_EBML_OPENED = frozenset({_SEGMENT, _CLUSTER})
# RFC 9559, 5.1: all that may lie beside these or in them.
_BESIDE = "1a45dfa3 114d9b74 1549a966 1654ae6b 1c53bb6b 1043a770 1254c367 1941a469 ec bf"
_INSIDE = "e7 5854 a7 ab a3 a0 af"
_EBML_NAMES = _EBML_OPENED | set(map(bytes.fromhex, f"{_BESIDE} {_INSIDE}".split()))
_KINDS: dict[str, tuple[Callable[[bytes], _Element | None], frozenset[bytes]]] = {
    "avi": (_chunk, frozenset({b"AVI ", b"AVIX", b"movi", b"rec "})),
    "mp4": (_box, frozenset({b"moof", b"traf"})),
    "mkv": (_ebml, _EBML_OPENED),
}
