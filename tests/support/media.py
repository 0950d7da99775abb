"""Real files of every video format, made from one phantom, and the ways in which files break.

PyAV writes them with encoders that the runtime never uses; OpenCV is the other decoder.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np

from edgeecho.bundle import EXAMPLE
from edgeecho.cine import read_cine


@cache
def phantom_frames() -> np.ndarray:
    """`(100, 112, 112, 3)` RGB: the example clip in the package."""
    # By the runtime: it tells FFmpeg to be silent, and FFmpeg listens once a process.
    return read_cine(EXAMPLE).frames


VIDEO_FORMATS = {
    "AVI, MJPG": (".avi", "mjpeg", "yuvj420p", {}),
    "AVI, raw": (".avi", "rawvideo", "bgr24", {}),
    "AVI, MPEG-4": (".avi", "mpeg4", "yuv420p", {}),
    "AVI, HuffYUV": (".avi", "huffyuv", "rgb24", {}),
    "MP4, H.264": (".mp4", "libx264", "yuv420p", {}),
    "MP4, HEVC": (
        ".mp4",
        "libx265",
        "yuv420p",
        {"x265-params": "log-level=none:pools=1:frame-threads=1"},
    ),
    "MOV, H.264": (".mov", "libx264", "yuv420p", {}),
    "MKV, H.264": (".mkv", "libx264", "yuv420p", {}),
    "MKV, FFV1": (".mkv", "ffv1", "yuv444p", {}),
    "WebM, VP9": (".webm", "libvpx-vp9", "yuv420p", {}),
    "MPEG-PS, MPEG-2": (".mpg", "mpeg2video", "yuv420p", {}),
    "WMV": (".wmv", "wmv2", "yuv420p", {}),
}
"""Name -> suffix, PyAV's encoder, pixel format, options."""
LOSSLESS = {"AVI, raw", "AVI, HuffYUV"}
"""Formats whose frames come back as they were."""


@contextmanager
def usual_priority() -> Iterator[None]:
    """SVT-AV1 gives the thread that calls it real-time priority where it may, and lets it keep it:
    from then on the tests and all that they start would leave the rest of the machine nothing.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def write_video(
    path: Path,
    codec: str = "mjpeg",
    pixels: str = "yuvj420p",
    options: dict[str, str] | None = None,
    *,
    frames: np.ndarray | None = None,
    fps: int = 50,
    times_ms: Sequence[int] | None = None,
) -> Path:
    """Encode frames `(T, H, W, 3)`; `times_ms`: variable rate."""
    frames = phantom_frames() if frames is None else frames
    # Without the ids that Matroska draws anew for each file.
    exact = {"fflags": "+bitexact"}
    with usual_priority(), av.open(str(path), "w", options=exact) as container:
        stream = container.add_stream(codec, rate=fps, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pixels
        # One thread: the same file on every machine, so that the same bytes are broken.
        stream.codec_context.thread_count = 1
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            if times_ms is not None:
                picture.pts, picture.time_base = times_ms[i], Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_format(folder: Path, name: str) -> Path:
    """One of `VIDEO_FORMATS`, 100 frames at 50 frames/s."""
    suffix, codec, pixels, options = VIDEO_FORMATS[name]
    stem = "".join(c for c in name.lower() if c.isalnum())
    return write_video(folder / f"{stem}{suffix}", codec, pixels, options)


def decode_with_opencv(path: Path) -> np.ndarray:
    """`(T, H, W, 3)` RGB: as EchoNet-Dynamic's own code and most others read videos."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    frames = []
    while (read := capture.read())[0]:
        frames.append(cv2.cvtColor(read[1], cv2.COLOR_BGR2RGB))
    return np.stack(frames)


def cut(percent: int) -> Callable[[bytes], bytes]:
    """Only the first `percent` of the file."""
    return lambda data: data[: len(data) * percent // 100]


def zero_middle(data: bytes) -> bytes:
    """A tenth of the file, 20 kB at most, in its middle is zeros."""
    middle, length = len(data) // 2, min(20_000, len(data) // 10)
    return data[:middle] + bytes(length) + data[middle + length :]


def flip_bytes(data: bytes, count: int = 200, seed: int = 1) -> bytes:
    """Random bytes behind the first twentieth of the file are random."""
    source, out = random.Random(seed), bytearray(data)
    for _ in range(count):
        out[source.randrange(len(out) // 20, len(out))] = source.randrange(256)
    return bytes(out)


FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "whole": lambda data: data,
    "cut to 90 %": cut(90),
    "cut to 50 %": cut(50),
    "cut to 10 %": cut(10),
    "middle zeroed": zero_middle,
    "200 bytes changed": flip_bytes,
    "header only": lambda data: data[: max(150, len(data) // 200)],
    "empty": lambda data: b"",
}


def write_avi(
    path: Path,
    jpegs: Sequence[bytes],
    size: tuple[int, int] = (112, 112),
    *,
    rate: int = 50,
    scale: int = 1,
    microseconds: int = 20_000,
    claimed: int | None = None,
) -> Path:
    """An MJPG AVI whose header says what the test wants; `size` is (height, width)."""
    count = len(jpegs) if claimed is None else claimed
    height, width = size
    main = struct.pack("<14I", microseconds, 0, 0, 0x10, count, 0, 1, 0, width, height, *[0] * 4)
    stream = b"vidsMJPG" + struct.pack(
        "<IHHIIIIIIiI4H", 0, 0, 0, 0, scale, rate, 0, count, 0, -1, 0, 0, 0, width, height
    )
    picture = struct.pack(
        "<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3 % 2**32, 0, 0, 0, 0
    )
    header = _list(
        b"hdrl",
        [
            _chunk(b"avih", main),
            _list(b"strl", [_chunk(b"strh", stream), _chunk(b"strf", picture)]),
        ],
    )
    body = _list(b"movi", [_chunk(b"00dc", jpeg) for jpeg in jpegs])
    path.write_bytes(_chunk(b"RIFF", b"AVI " + header + body))
    return path


def jpegs(frames: np.ndarray | None = None) -> list[bytes]:
    """Each frame as a JPEG."""
    return list(_encoded(phantom_frames() if frames is None else frames))


def _encoded(frames: np.ndarray) -> Iterator[bytes]:
    for frame in frames:
        ok, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
        assert ok
        yield data.tobytes()


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, chunks: Sequence[bytes]) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))
