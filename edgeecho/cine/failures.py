"""Counting the frames of a video that could not be decoded."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from av.packet import Packet
from av.video.frame import VideoFrame


@dataclass
class Failures:
    """Counts the frames that were in the file and could not be used.

    Frames are known by their place in the file, since they are displayed in another order.
    """

    _failed: list[int] = field(default_factory=list)
    _open: list[tuple[int, int | None]] = field(default_factory=list)
    """Place and time stamp of lost frames to which all frames up to the next key frame may refer.
    FFmpeg decodes those against whatever it has (in an H.264 file with a damaged middle, 46 of 91
    frames were wrong)."""
    _last_whole: int = -1
    _begun: int = 0
    _shown_from: int = 0
    """Packets whose frames are to be displayed."""
    _whole: int = 0
    _recent: deque[tuple[int | None, int]] = field(
        default_factory=lambda: deque([(None, 0)], maxlen=64)
    )
    """Time stamp and place of packets whose frames the decoder may still hold, newest first."""

    @property
    def between(self) -> int:
        """Failures that a good frame follows."""
        return sum(place < self._last_whole for place in self._failed)

    @property
    def after(self) -> int:
        """Failures after the last good frame."""
        return len(self._failed) - self.between

    @property
    def silent(self) -> int:
        """Packets that gave neither a frame nor an error."""
        return max(self._shown_from - self._whole - len(self._failed), 0)

    def begin(self, packet: Packet[Any]) -> None:
        """Register the next packet, before it is decoded."""
        self._begun += 1
        self._shown_from += bool(packet.size) and not packet.is_discard
        self._recent.appendleft((_stamp(packet), self._begun))

    def lose(self, picture: VideoFrame | None = None) -> None:
        """Register a lost frame, to which others may refer; None for that of the last packet."""
        place = self._place(picture)
        self._failed.append(place)
        self._open.append((place, self._recent[0][0] if picture is None else picture.pts))

    def is_usable(self, picture: VideoFrame) -> bool:
        """Whether a frame is whole and refers to whole frames only. Call once for each frame."""
        if picture.is_corrupt:
            self.lose(picture)
            return False
        place = self._place(picture)
        if picture.key_frame:
            self._open = [lost for lost in self._open if _follows(lost, place, picture.pts)]
        elif any(place >= lost for lost, _ in self._open):
            self._failed.append(place)
            return False
        self._whole += 1
        self._last_whole = max(self._last_whole, place)
        return True

    def _place(self, picture: VideoFrame | None) -> int:
        stamp = None if picture is None else _stamp(picture)
        places = (place for known, place in self._recent if known == stamp is not None)
        return next(places, self._begun)


def _follows(lost: tuple[int, int | None], place: int, pts: int | None) -> bool:
    """Whether frames after the key frame at `place` may still refer to a lost one.

    Only if the lost frame comes after the key frame both in the file and in display order.
    """
    return lost[0] > place and lost[1] is not None and pts is not None and lost[1] > pts


def _stamp(source: Packet[Any] | VideoFrame) -> int | None:
    return source.pts if source.pts is not None else source.dts
