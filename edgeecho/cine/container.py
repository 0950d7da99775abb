"""Recognising a file's container, and reading the few header fields that FFmpeg does not report.

Only the containers named here reach FFmpeg. It would open others too, and some of them, such as
playlists, make it read other files or the network.
"""

from __future__ import annotations

import struct

HEAD_BYTES = 64 * 1024
"""Number of bytes that `container_of` and `avi_rate` need from the start of a file."""

_MATROSKA = b"\x1a\x45\xdf\xa3"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_MPEG = (b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_H26X = (b"\x00\x00\x00\x01", b"\x00\x00\x01")
_MP4_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"})


def container_of(head: bytes) -> str | None:
    """The container that a file's first bytes show; None if it is not a video.

    `avi`, `mp4` (and MOV) and `mkv` (and WebM) state their number of frames or their duration;
    `other` (MPEG transport, program and elementary streams, ASF) does not do so reliably. `h26x`,
    a bare H.264 or HEVC stream as in DICOM files, has no time stamps.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] in _MP4_BOXES:
        return "mp4"
    if head.startswith(_MATROSKA):
        return "mkv"
    if head.startswith((_ASF, *_MPEG)) or head[:565:188] == b"\x47" * 4:
        return "other"
    if head.startswith(_H26X):
        return "h26x"
    return None


# Files in MP4's format that are no videos, by the brand in their first box.
_LIKE_MP4 = {
    b"ftypheic": "HEIC image",
    b"ftypheix": "HEIC image",
    b"ftypmif1": "HEIC image",
    b"ftypavif": "AVIF image",
    b"ftypM4A ": "sound recording",
}
_PICTURES = {
    b"GIF8": "GIF image",
    b"\x89PNG": "PNG image",
    b"\xff\xd8\xff": "JPEG image",
    b"II*\0": "TIFF image",
    b"MM\0*": "TIFF image",
    b"BM": "BMP image",
}


def no_video(head: bytes) -> str | None:
    """The kind of a still image or sound file, by its first bytes; None if it is neither."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP image"
    if head[4:12] in _LIKE_MP4:
        return _LIKE_MP4[head[4:12]]
    return next((kind for mark, kind in _PICTURES.items() if head.startswith(mark)), None)


def avi_rate(head: bytes) -> float | None:
    """Frames per second of an AVI file's video stream; None if the header gives none.

    FFmpeg reports 25 for a rate of zero, which cannot be told from a true 25. Layout: AVI RIFF
    file reference (Microsoft): in `strh`, dwScale and dwRate are 20 and 24 bytes after fccType;
    `avih` begins with the duration of a frame in microseconds.
    """
    stream = head.find(b"vids")
    if stream >= 0 and len(head) >= stream + 28:
        scale, rate = struct.unpack_from("<II", head, stream + 20)
        if scale and rate:
            return float(rate / scale)
    main = head.find(b"avih")
    if main >= 0 and len(head) >= main + 12:
        (microseconds,) = struct.unpack_from("<I", head, main + 8)
        if microseconds:
            return 1e6 / float(microseconds)
    return None
