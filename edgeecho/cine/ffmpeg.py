"""Decoding with FFmpeg through PyAV: packets in one pass, frames, and what could not be decoded.

We use PyAV and not OpenCV (measured, see docs/inputs.md). The pixels of both are equal bit for bit,
and are those that EchoNet-Dynamic was trained on. But OpenCV hides damage, does not distinguish
interlaced from progressive frames, and returns uninitialised memory as a success if its
conversion fails.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from edgeecho.cine.failures import Failures
from edgeecho.cine.types import DEFAULT_LIMITS, DecodeLimits
from edgeecho.common.errors import InputError

ERRORS = (FFmpegError, OSError, ValueError)
"""What PyAV raises if a file cannot be decoded or read; the last two come from the stream."""
# FFmpeg's names of the formats that `container_of` knows. Other formats, such as playlists, make it
# open more files or the network, and so do references inside these: hence the empty list of
# protocols.
_FORMATS = "avi,mov,matroska,asf,mpeg,mpegts,mpegvideo,h264,hevc"
# Large, because each read goes through Python.
_BUFFER_BYTES = 1 << 18
_COVER = Disposition.attached_pic | Disposition.timed_thumbnails
BARE = ("h264", "hevc", "mpegvideo")
"""FFmpeg's names of bare streams, which have no container."""
NO_RATE = 1
"""Rate in frames/s that marks a bare stream without one: FFmpeg's own default, 25, may be true."""
_OPTIONS = {"format_whitelist": _FORMATS, "protocol_whitelist": "", "framerate": str(NO_RATE)}


# Without this, the MJPG decoder returns damaged frames as whole: after the damage they are black or
# show an earlier frame. Other decoders mark corrupt frames.
_STRICT = {"err_detect": "explode"}
# FFmpeg's own choice gives other pixels on arm64; on x86-64 it is this one, and as fast.
_EXACT = {"idct": "simple"}


@contextmanager
def open_video(
    source: BinaryIO, name: str, kind: str, limits: DecodeLimits
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a container and its first video stream; `InputError` if there is none.

    `kind` is the container's name for messages. Decoding uses one thread: how much of a damaged
    stretch is recovered then does not depend on the machine. FFmpeg's MJPG decoder has no threads;
    those that have, such as H.264's, report a damaged frame only packets later.
    """
    # Reading the header always has the default limit, so that the error for a lower one can name
    # the frame size.
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
        stream.codec_context.options = _bounds(limits.pixels) | _EXACT | strict
        yield container, stream


def videos(container: InputContainer) -> list[VideoStream]:
    """The video streams, without cover pictures and thumbnails."""
    return [s for s in container.streams.video if not s.disposition & _COVER]


class _Source:
    """A file for PyAV whose invalid seeks return an error code: PyAV would print an exception."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.read, self.tell = stream.read, stream.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        """Return the new position or, as FFmpeg does, a negative error code."""
        try:
            return self._stream.seek(offset, whence)
        except (OSError, ValueError):
            return -errno.EINVAL


def _bounds(pixels: int) -> dict[str, str]:
    """Options that make larger frames an error before memory is allocated for them.

    FFmpeg counts rows in whole blocks of 64 pixels, so it is given a higher limit; the caller
    checks each frame's exact size.
    """
    return {"max_pixels": str(2 * pixels + (1 << 20))}


def fields_refused(name: str, codec: str) -> InputError:
    """The error for interlaced frames whose fields cannot be separated."""
    return InputError(
        f"{name} is {codec} in interlaced fields, which edgeecho does not read: export it with "
        "progressive frames"
    )


# Codecs that state for each frame whether it is interlaced.
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


def packets(
    container: InputContainer, stream: VideoStream, failures: Failures
) -> Iterator[Packet[Any]]:
    """The packets of a stream in file order; the last is empty and flushes the decoder."""
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
    """Decode a packet; return the frames that are whole and refer to whole frames only.

    `one_each` says that each packet of the container has one frame. Otherwise a truncated packet
    may hold whole frames too, and the decoder knows which.
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
