"""Reading AVI, MP4, MKV and other containers: all whole frames, and what is missing."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edgeecho.cine import ffv1
from edgeecho.cine.aspect import SQUARE, Aspect
from edgeecho.cine.container import HEAD_BYTES, avi_rate, container_of, no_video
from edgeecho.cine.damage import Claims, Decoded, count_missing, find_damage, note_pause
from edgeecho.cine.failures import Failures
from edgeecho.cine.ffmpeg import BARE, NO_RATE, open_video, packets, pictures, videos
from edgeecho.cine.listed import count_listed, pictures_end
from edgeecho.cine.mjpeg import JPEGs
from edgeecho.cine.rgb import ToRGB
from edgeecho.cine.store import FrameStore
from edgeecho.cine.structure import read_structure
from edgeecho.cine.types import DEFAULT_LIMITS, Cine, DecodeLimits
from edgeecho.common.errors import InputError

# MKV rounds time stamps to whole milliseconds.
_CLOSE_S = 0.0015
_NAMES = {"avi": "AVI", "mp4": "MP4", "mkv": "MKV", "other": "video", "h26x": "H.264 or HEVC"}


def read_video(path: Path, limits: DecodeLimits = DEFAULT_LIMITS) -> Cine:
    """Decode every frame of a video file; `InputError` if nothing can be decoded."""
    # Not by name: FFmpeg would take the part before the colon in "12:30.avi" for a protocol.
    with path.open("rb") as stream:
        return _read(stream, path.name, limits)


def read_video_bytes(
    data: bytes, name: str, limits: DecodeLimits = DEFAULT_LIMITS, aspect: Aspect | None = None
) -> Cine:
    """Decode a video stream from memory, as in a DICOM file; `name` is for messages.

    `aspect` takes precedence over the stream's own pixel aspect ratio.
    """
    return _read(io.BytesIO(data), name, limits, aspect)


def _read(source: BinaryIO, name: str, limits: DecodeLimits, aspect: Aspect | None = None) -> Cine:
    head = source.read(HEAD_BYTES)
    kind = container_of(head)
    if other := no_video(head):
        raise InputError(f"{name} is no video ({other}): give the cine itself")
    if kind is None:
        raise InputError(
            f"{name} is not a video or DICOM file that edgeecho can read: "
            "check that it plays elsewhere, or convert it to MJPG AVI"
        )
    structure = read_structure(source, kind)
    with open_video(source, name, _NAMES[kind], limits) as (container, stream):
        claims = _claims(container, stream, kind, head)
        limits.check_size(name, claims.height, claims.width)
        own = _aspect(stream)
        aspect = aspect or own
        aspect.check(name)
        limits.check_size(name, *aspect.square(claims.height, claims.width))
        decoded = _Decoding(container, stream, claims, name, limits, aspect).run()
        claims = replace(claims, frames=count_listed(stream, kind, structure.empty))
        count = len(videos(container))
    if not decoded.count:
        cut = "is cut short and " if structure.cut else ""
        raise InputError(
            f"{name} {cut}holds no frame that can be decoded (codec {claims.codec}): "
            f"{'copy or ' if cut else ''}export it again, best as MJPG AVI"
        )
    stamps, fps, fps_source = _time(decoded, claims)
    damage = find_damage(decoded, claims, structure, stamps)
    return Cine(
        frames=decoded.frames,
        timestamps_s=stamps,
        fps=fps,
        fps_source=fps_source,
        container=kind,
        codec=claims.codec,
        damage=damage,
        missing=count_missing(decoded, claims, structure, stamps),
        deinterlaced=decoded.deinterlaced,
        pixel_aspect=aspect.ratio,
        notes=(
            *((f"the file holds {count} videos: the first was taken",) if count > 1 else ()),
            *aspect.note(claims.height, claims.width),
            *aspect.against(own),
            *(() if damage else note_pause(stamps)),
        ),
    )


def _aspect(stream: VideoStream) -> Aspect:
    # As in players, the container's ratio (such as MP4's `pasp`) takes precedence over the codec's.
    ratio = float(stream.sample_aspect_ratio or 0)
    return Aspect(ratio, "sample aspect ratio") if ratio > 0 else SQUARE


def _claims(container: InputContainer, stream: VideoStream, kind: str, head: bytes) -> Claims:
    # The mean rate, not the nominal one, which ignores frames that were dropped on purpose.
    rate = stream.average_rate or stream.guessed_rate
    context = stream.codec_context
    # Bare streams have no time stamps: FFmpeg invents them, and wrongly for B-frames.
    stamped = container.format.name not in BARE
    if not stamped:
        rate = None if context.framerate == NO_RATE else context.framerate
    fps = avi_rate(head) if kind == "avi" else float(rate or 0)
    if fps is None or not np.isfinite(fps) or fps <= 0:
        fps = None
    tag = context.codec_tag.strip("\0 ") if kind == "avi" else context.codec.canonical_name
    return Claims(
        container=kind,
        codec=tag if tag and tag.isprintable() else "raw" if not tag else "unknown",
        height=context.height,
        width=context.width,
        fps=fps,
        frames=None,
        duration_s=pictures_end(container, stream, kind),
        stamped=stamped,
    )


class _Decoding:
    """One pass over the packets of a stream."""

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        claims: Claims,
        name: str,
        limits: DecodeLimits,
        aspect: Aspect,
    ) -> None:
        self._container, self._stream, self._name, self._limits = container, stream, name, limits
        self._failures, self._store = Failures(), FrameStore(name, limits)
        self._rgb = ToRGB(stream, name, self._store, aspect)
        self._one_each = claims.container in ("avi", "mp4", "mkv")
        size = claims.height, claims.width
        is_jpeg = stream.codec_context.name == "mjpeg"
        self._jpegs = JPEGs(name, limits, size) if is_jpeg else None
        # Only FFV1 3 and newer has a configuration, and slices.
        self._slices = stream.codec_context.name == "ffv1" and bool(stream.codec_context.extradata)
        self._packets: list[int] = []
        """For MJPG, the packet that each frame comes from."""

    def run(self) -> Decoded:
        """Decode all frames."""
        for packet in packets(self._container, self._stream, self._failures):
            if self._jpegs is None or not packet.size or self._jpegs.fits(bytes(packet)):
                self._decode(packet)
        self._rgb.flush()
        frames, seconds = self._store.frames(), np.array(self._rgb.seconds, np.float64)
        broken = self._jpegs.broken() if self._jpegs else set()
        cut = np.isin(self._packets, list(broken))
        if cut.any():
            frames, seconds = frames[~cut], seconds[~cut]
        return Decoded(
            frames=frames,
            seconds=seconds,
            deinterlaced=self._rgb.deinterlaced,
            failed_between=self._failures.between,
            failed_after=self._failures.after,
            silent=self._failures.silent,
            resized=self._jpegs.resized if self._jpegs else 0,
            broken=len(broken),
        )

    def _decode(self, packet: Packet[Any]) -> None:
        if self._slices and packet.size and not ffv1.is_whole(bytes(packet)):
            self._failures.lose()
            return
        found = pictures(packet, self._stream, self._failures, one_each=self._one_each)
        for frame in found:
            self._limits.check_size(self._name, frame.height, frame.width)
            if self._jpegs:
                self._packets.append(self._jpegs.last)
            self._rgb.add(frame)


def _time(decoded: Decoded, claims: Claims) -> tuple[NDArray[np.float64], float | None, str]:
    """Time stamps in s from the first frame, the rate, and where the rate comes from."""
    count = decoded.count
    if claims.fps is None and (claims.container == "avi" or not claims.stamped):
        # The time stamps were then computed from FFmpeg's default rate.
        return np.full(count, np.nan), None, "unknown"
    stamps = decoded.seconds - decoded.seconds[0]
    steps = np.diff(stamps)
    if claims.fps is not None and (count < 2 or not claims.stamped or not np.all(steps > 0)):
        # Some containers have no time stamp per frame, only the frame rate.
        source = "container" if claims.stamped else "video stream"
        return np.arange(count) / claims.fps, claims.fps, source
    if count < 2 or not np.all(steps > 0):
        return np.full(count, np.nan), None, "unknown"
    if claims.fps is not None and abs(float(np.median(steps)) - 1 / claims.fps) < _CLOSE_S:
        return stamps, claims.fps, "container"
    return stamps, float((count - 1) / stamps[-1]), "time stamps"
