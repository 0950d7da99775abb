"""Damage in MJPG that FFmpeg's decoder conceals without an error."""

from __future__ import annotations

from edgeecho.cine.ffmpeg import fields_refused
from edgeecho.cine.store import size_changes
from edgeecho.cine.types import DecodeLimits

_START, _END = b"\xff\xd8", b"\xff\xd9"


class JPEGs:
    """Checks the packets of one video, each a JPEG, before they are decoded."""

    def __init__(self, name: str, limits: DecodeLimits, size: tuple[int, int]) -> None:
        """`size` is the (height, width) that the container claims."""
        self._name, self._limits, self._size = name, limits, size
        self._count = 0
        self.resized = 0
        """Number of packets that claim another size."""
        self._cut: set[int] = set()

    def fits(self, data: bytes) -> bool:
        """Whether to decode a packet: False if it claims another frame size.

        `InputError` if it claims more pixels than `limits` allow, before memory is allocated.
        """
        found = jpeg_size(data)
        if found is not None:
            self._limits.check_size(self._name, *found)
        # Packets may be padded.
        ends = _END in data[-16:] or _END in data.rstrip(b"\0")[-16:]
        if not data.startswith(_START) or not ends:
            self._cut.add(self._count)
        self._count += 1
        if found is None or found == self._size:
            return True
        if found == ((self._size[0] + 1) // 2, self._size[1]):
            # Two fields: FFmpeg weaves them together and does not say so.
            raise fields_refused(self._name, "MJPG")
        self.resized += 1
        return False

    @property
    def last(self) -> int:
        """Number of the last packet checked."""
        return self._count - 1

    def broken(self) -> set[int]:
        """Numbers of the packets whose data are truncated; call it after the last packet.

        `InputError` if most frames have another size than the container claims.
        """
        if self.resized * 2 > self._count:
            raise size_changes(self._name)
        # Some cameras never write an end marker: then its absence means nothing.
        return set() if len(self._cut) * 2 > self._count else self._cut


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) in a JPEG's frame header; None if there is no header.

    ITU-T T.81, B.2.2: markers SOF0..SOF15 except DHT (C4), JPG (C8) and DAC (CC).
    """
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return data[at + 5] << 8 | data[at + 6], data[at + 7] << 8 | data[at + 8]
        at += 2 + (data[at + 2] << 8 | data[at + 3])
    return None
