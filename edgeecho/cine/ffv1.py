"""The checksums of FFV1 (RFC 9043, 4.9): FFmpeg reports a slice that does not match and shows it
nevertheless, in part as whatever its memory held before: pixels of another file, for example.
"""

from __future__ import annotations

import zlib

_SIZE_BYTES = 3
_WITH_CHECKSUM_BYTES = 8
"""Bytes behind a slice: its size, a status and a checksum; or its size only."""
# The checksum has the usual polynomial, but takes the highest bit of a byte first.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_REMAINDERS = (0, int(f"{0x79408C7A:032b}"[::-1], 2))
"""What a checksum begins with and must end with: of FFV1 3, and of FFV1 4 if it so chooses."""


def is_whole(packet: bytes) -> bool:
    """Whether the slices of a packet of FFV1 3 or newer fill it and match their checksums, if they
    have any."""
    slices = _slices(packet, _WITH_CHECKSUM_BYTES)
    if slices is None:
        return _slices(packet, _SIZE_BYTES) is not None
    return any(all(_remainder(one, begin) == begin for one in slices) for begin in _REMAINDERS)


def _slices(packet: bytes, footer: int) -> list[bytes] | None:
    """The slices with their footers; None if the sizes in these do not add up."""
    found, stop = [], len(packet)
    while stop:
        at = stop - footer
        start = at - int.from_bytes(packet[max(at, 0) : at + _SIZE_BYTES], "big")
        if start < 0:
            return None
        found.append(packet[start:stop])
        stop = start
    return found


def _remainder(data: bytes, begin: int) -> int:
    # zlib inverts the remainder before and after.
    return ~zlib.crc32(data.translate(_REVERSED), ~begin & 0xFFFFFFFF) & 0xFFFFFFFF
