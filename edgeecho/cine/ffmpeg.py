"""FFmpeg, through PyAV: a file's packets in one pass, its pictures, and what could not be decoded.

PyAV and not OpenCV (measured, see docs/inputs.md): the pixels are equal bit for bit and are what
EchoNet-Dynamic was trained on, but OpenCV hides damage, does not tell an interlaced picture from a
progressive one, and gives memory that nobody wrote for success where its conversion fails.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from edgeecho.cine.types import DEFAULT_LIMITS, Limits
from edgeecho.common.errors import InputError

ERRORS = (FFmpegError, OSError, ValueError)
"""What PyAV raises of a file that cannot be decoded, or read: the last two come from the stream."""
# Of what `container_of` knows, by FFmpeg's names. Others, such as playlists, make it open further
# files or the network; so do references inside these, which the list of protocols forbids.
_FORMATS = "avi,mov,matroska,asf,mpeg,mpegts,mpegvideo,h264,hevc"
# Each read goes through Python.
_BUFFER_BYTES = 1 << 18
_COVER = Disposition.attached_pic | Disposition.timed_thumbnails
BARE = ("h264", "hevc", "mpegvideo")
"""FFmpeg's names of streams without a container around them."""
NO_RATE = 1
"""Rate of such a stream that says none, in frames/s: FFmpeg's own 25 could be a true one."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "", "framerate": str(NO_RATE)}


# Else the MJPG decoder gives a damaged picture for whole: what lies behind the damage is black, or
# of an earlier picture. Others say which pictures are corrupt.
_STRICT = {"err_detect": "explode"}


@contextmanager
def open_video(
    source: BinaryIO, name: str, kind: str, limits: Limits
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A container and its first video stream; `InputError` where there is none. `kind`: in words.

    Decodes in one thread: how much is saved of a damaged stretch then does not depend on the
    machine, and at these sizes more threads gain little.
    """
    # Looking at a header may take as many pixels as by default, so that a lower limit can name the
    # size that is over it.
    bounds = _bounds(max(limits.pixels, DEFAULT_LIMITS.pixels))
    try:
        container = av.open(
            _Source(source),
            "r",
            options=_OPTIONS | bounds,
            metadata_errors="replace",
            buffer_size=_BUFFER_BYTES,
        )
    except ERRORS as error:
        raise _damaged_header(name, kind) from error
    with container:
        found = videos(container)
        if not found:
            raise _damaged_header(name, kind)
        stream = found[0]
        if stream.codec_context is None:
            raise InputError(
                f"{name} is of a codec that edgeecho has no decoder for: export it as MJPG AVI"
            )
        _check_fields(stream, name)
        stream.codec_context.thread_count = 1
        strict = _STRICT if stream.codec_context.name == "mjpeg" else {}
        stream.codec_context.options = _bounds(limits.pixels) | strict
        yield container, stream


def videos(container: InputContainer) -> list[VideoStream]:
    """Its moving pictures; not covers and thumbnails."""
    return [s for s in container.streams.video if not s.disposition & _COVER]


class _Source:
    """A file for PyAV, in which a seek that leads out of it raises nothing: PyAV would print it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read, self.tell = stream.read, stream.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new position, or a negative error code as FFmpeg has them."""
        try:
            return self._stream.seek(offset, whence)
        except (OSError, ValueError):
            return -errno.EINVAL


def _bounds(pixels: int) -> dict[str, str]:
    """Larger frames are an error before memory is spent on them. FFmpeg counts rows as whole blocks
    of 64 pixels, so it is given more, and the caller checks each frame's exact size."""
    return {"max_pixels": str(2 * pixels + (1 << 20))}


def fields_refused(name: str, codec: str) -> InputError:
    """Of pictures whose fields cannot be told apart."""
    return InputError(
        f"{name} is {codec} in interlaced fields, which edgeecho does not read: export it with "
        "progressive frames"
    )


# Their decoders, or their streams, say of each picture whether it is interlaced.
_SAY_THEMSELVES = {
    *("dnxhd", "dvvideo", "ffv1", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4"),
    *("prores", "rawvideo", "utvideo", "vc1", "wmv3"),
}
_INTERLACED = range(2, 6)  # AVFieldOrder: TT, BB, TB, BT


def _check_fields(stream: VideoStream, name: str) -> None:
    context = stream.codec_context
    codec = context.codec.canonical_name
    order = getattr(context, "field_order", None)  # PyAV 17, the last for Python 3.10, has none
    if order in _INTERLACED and codec not in _SAY_THEMSELVES:
        raise fields_refused(name, codec)


def _damaged_header(name: str, kind: str) -> InputError:
    return InputError(
        f"{name}: the header of this {kind} file is damaged, or the file was cut short: "
        "copy or export it again"
    )


@dataclass
class Failures:
    """Pictures that were there and could not be used.

    By their places in the file: the order in which pictures are shown is another one.
    """

    _failed: list[int] = field(default_factory=list)
    _open: list[tuple[int, int | None]] = field(default_factory=list)
    """Place and time stamp of lost ones, to which all up to the next key frame may refer: FFmpeg
    paints those over what it has instead (of an H.264 file with a damaged middle, 46 of 91 pictures
    were wrong)."""
    _last_whole: int = -1
    _begun: int = 0
    _shown_from: int = 0
    """Packets whose pictures are to be shown."""
    _whole: int = 0
    _recent: deque[tuple[int | None, int]] = field(
        default_factory=lambda: deque([(None, 0)], maxlen=64)
    )
    """Time stamp and place of packets whose pictures a decoder may still hold back, newest
    first."""

    @property
    def between(self) -> int:
        """Those that a whole picture follows."""
        return sum(place < self._last_whole for place in self._failed)

    @property
    def after(self) -> int:
        """Those behind the last whole picture."""
        return len(self._failed) - self.between

    @property
    def silent(self) -> int:
        """Packets of which came neither a picture nor an error."""
        return max(self._shown_from - self._whole - len(self._failed), 0)

    def begin(self, packet: Packet[Any]) -> None:
        """The next packet is to be decoded."""
        self._begun += 1
        self._shown_from += bool(packet.size) and not packet.is_discard
        self._recent.appendleft((_stamp(packet), self._begun))

    def lose(self, picture: VideoFrame | None = None) -> None:
        """One more, to which others may refer; None: that of the packet that was begun last."""
        place = self._place(picture)
        self._failed.append(place)
        self._open.append((place, self._recent[0][0] if picture is None else picture.pts))

    def is_usable(self, picture: VideoFrame) -> bool:
        """Whether it is whole and refers to whole ones only; is to be asked once of each."""
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
    """Whether later pictures may refer to a lost one in spite of the key frame at `place`: not if
    it is shown before that, though it comes after it in the file."""
    return lost[0] > place and lost[1] is not None and pts is not None and lost[1] > pts


def _stamp(source: Packet[Any] | VideoFrame) -> int | None:
    return source.pts if source.pts is not None else source.dts


def packets(
    container: InputContainer, stream: VideoStream, failures: Failures
) -> Iterator[Packet[Any]]:
    """Those of the stream in the order of the file; the last is empty and flushes the decoder."""
    source = container.demux(stream)
    while True:
        try:
            packet = next(source)
        except StopIteration:
            return
        except ERRORS:  # nothing behind it can be read
            failures.lose()
            yield Packet()
            return
        failures.begin(packet)
        yield packet


def pictures(
    packet: Packet[Any], stream: VideoStream, failures: Failures, *, one_each: bool
) -> list[VideoFrame]:
    """What the decoder gives for a packet: whole pictures that refer to whole pictures.

    `one_each`: the container keeps each picture by itself. Else a stretch that is cut short holds
    whole pictures too, and the decoder knows which.
    """
    if packet.is_corrupt and one_each:
        failures.lose()
        return []
    try:
        found = stream.decode(packet if packet.size else None)
    except ERRORS:
        failures.lose()
        return []
    return [frame for frame in found if failures.is_usable(frame)]
