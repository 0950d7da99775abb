"""FFmpeg, through PyAV: a file's packets in one pass, its pictures, and what could not be decoded.

PyAV and not OpenCV (measured, see docs/inputs.md): the pixels are equal bit for bit and are what
EchoNet-Dynamic was trained on, but OpenCV hides damage, does not tell an interlaced picture from a
progressive one, and gives memory that nobody wrote for success where its conversion fails.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from edgeecho.cine.types import DEFAULT_LIMITS, Limits
from edgeecho.errors import InputError

ERRORS = (FFmpegError, OSError, ValueError)
"""What PyAV raises of a file that cannot be decoded, or read: the last two come from the stream."""
# Of what `container_of` knows, by FFmpeg's names. Others, such as playlists, make it open further
# files or the network; so do references inside these, which the list of protocols forbids.
_FORMATS = "avi,mov,matroska,asf,mpeg,mpegts,mpegvideo,h264,hevc"
# Each read goes through Python.
_BUFFER_BYTES = 1 << 18
BARE = ("h264", "hevc", "mpegvideo")
"""FFmpeg's names of streams without a container around them."""
NO_RATE = 1
"""Rate of such a stream that says none, in frames/s: FFmpeg's own 25 could be a true one."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "", "framerate": str(NO_RATE)}


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
        if not container.streams.video:
            raise _damaged_header(name, kind)
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise InputError(
                f"{name} is of a codec that edgeecho has no decoder for: export it as MJPG AVI"
            )
        _check_fields(stream, name)
        stream.codec_context.thread_count = 1
        stream.codec_context.options = _bounds(limits.pixels)
        yield container, stream


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
    """Pictures that were there and could not be used."""

    so_far: int = 0
    waiting: bool = False
    """Until the next key frame pictures refer to one that is lost: FFmpeg paints them over what it
    has instead (of an H.264 file with a damaged middle, 46 of 91 pictures were wrong)."""

    def add(self) -> None:
        """One more."""
        self.so_far += 1
        self.waiting = True


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
            failures.add()
            yield Packet()
            return
        yield packet


def pictures(
    packet: Packet[Any], stream: VideoStream, failures: Failures, *, one_each: bool
) -> list[VideoFrame]:
    """What the decoder gives for a packet: whole pictures that refer to whole pictures.

    `one_each`: the container keeps each picture by itself. Else a stretch that is cut short holds
    whole pictures too, and the decoder knows which.
    """
    if packet.is_corrupt and one_each:
        failures.add()
        return []
    try:
        found = stream.decode(packet if packet.size else None)
    except ERRORS:
        failures.add()
        return []
    return [frame for frame in found if _is_whole(frame, failures)]


def _is_whole(frame: VideoFrame, failures: Failures) -> bool:
    if frame.is_corrupt:
        failures.add()
        return False
    if failures.waiting and not frame.key_frame:
        failures.so_far += 1
        return False
    failures.waiting = False
    return True
