"""AVI, MP4, MKV and other containers, through OpenCV's FFmpeg back end.

Why this back end and not PyAV (both measured, see docs/inputs.md): their pixels are equal bit
for bit and are what EchoNet-Dynamic was trained on, while OpenCV's own MJPEG reader and other
libjpeg paths differ by up to two levels, so the back end is asked for by name. PyAV reports damage
itself, but its wheels add 100 MB with x264 and x265 (GPL) inside and want Python 3.11. OpenCV
hides damage, so `damage.py` and `mjpeg.py` find it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.container import HEAD_BYTES, avi_rate, container_of
from edgeecho.cine.damage import Claims, Decoded, count_missing, find_damage
from edgeecho.cine.mjpeg import find_broken_frames
from edgeecho.cine.types import DEFAULT_LIMITS, Cine, FrameStore, Limits
from edgeecho.errors import InputError

# Behind a damaged stretch the decoder fails until the next key frame; at the end of the file it
# fails for ever. Key frames further apart than this are taken for the end.
_FAILURES_IN_A_ROW = 300
# MKV rounds stamps to whole milliseconds.
_CLOSE_S = 0.0015
# One thread: how much a decoder saves of a damaged stretch then does not depend on the machine, and
# at these sizes more threads gain little (200 frames of 112x112 MJPG: 12 ms instead of 10).
_OPTIONS = [cv2.CAP_PROP_N_THREADS, 1]
_NAMES = {"avi": "AVI", "mp4": "MP4", "mkv": "MKV", "other": "video", "h26x": "H.264 or HEVC"}


def read_video(path: Path, limits: Limits = DEFAULT_LIMITS) -> Cine:
    """Decode every frame of a video file; `InputError` where nothing can be decoded."""
    with path.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
    # Absolute: FFmpeg takes the part before a colon in "12:30.avi" for a protocol.
    file = str(path.absolute())
    return _read(lambda: cv2.VideoCapture(file, cv2.CAP_FFMPEG, _OPTIONS), head, path.name, limits)


def read_video_bytes(data: bytes, name: str, limits: Limits = DEFAULT_LIMITS) -> Cine:
    """The same from memory, for a video stream inside a DICOM file; `name` is for messages."""
    # OpenCV reads from the buffer and holds no reference to it.
    buffers: list[io.BytesIO] = []

    def open_capture() -> cv2.VideoCapture:
        buffers.append(io.BytesIO(data))
        capture: cv2.VideoCapture = cv2.VideoCapture(
            buffers[-1],  # type: ignore[call-overload]  # the stubs know no Python stream
            cv2.CAP_FFMPEG,
            _OPTIONS,
        )
        return capture

    return _read(open_capture, data[:HEAD_BYTES], name, limits)


def _read(
    open_capture: Callable[[], cv2.VideoCapture], head: bytes, name: str, limits: Limits
) -> Cine:
    container = container_of(head)
    if container is None:
        raise InputError(
            f"{name} is not a video or DICOM file that edgeecho can read: "
            "check that it plays elsewhere, or convert it to MJPG AVI"
        )
    _silence()
    capture = open_capture()
    try:
        if not capture.isOpened():
            raise InputError(
                f"{name}: the header of this {_NAMES[container]} file is damaged, or the file "
                "was cut short: copy or export it again"
            )
        claims = _claims(capture, container, head)
        limits.check_size(name, claims.height, claims.width)
        broken: frozenset[float] = frozenset()
        if claims.codec == "MJPG":
            size = claims.height, claims.width
            broken = find_broken_frames(open_capture, name, limits, size)
        decoded = _decode(capture, FrameStore(name, limits), broken, claims)
    finally:
        capture.release()
    if not decoded.count:
        raise InputError(
            f"{name} holds no frame that can be decoded (codec {claims.codec}): "
            "export it again, best as MJPG AVI"
        )
    stamps, fps, source = _time(decoded, claims)
    return Cine(
        frames=decoded.store.frames(),
        timestamps_s=stamps,
        fps=fps,
        fps_source=source,
        container=container,
        codec=claims.codec,
        damage=find_damage(decoded, claims, stamps),
        missing=count_missing(decoded, claims, stamps),
    )


def _claims(capture: cv2.VideoCapture, container: str, head: bytes) -> Claims:
    fps: float | None = float(capture.get(cv2.CAP_PROP_FPS))
    if container == "avi":
        fps = avi_rate(head)
    if container == "h26x" or fps is None or not np.isfinite(fps) or fps <= 0:
        fps = None
    return Claims(
        container=container,
        codec=_fourcc_text(int(capture.get(cv2.CAP_PROP_FOURCC))),
        height=int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        width=int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
        fps=fps,
        frames=float(capture.get(cv2.CAP_PROP_FRAME_COUNT)),
    )


def _decode(
    capture: cv2.VideoCapture, store: FrameStore, broken: frozenset[float], claims: Claims
) -> Decoded:
    decoded = Decoded(store)
    failures = 0
    while failures < _FAILURES_IN_A_ROW:
        ok, frame = capture.read()
        if not ok:
            if decoded.count + decoded.broken == claims.exact_frames:
                break
            failures += 1
            continue
        decoded.failed_between += failures
        failures = 0
        milliseconds = capture.get(cv2.CAP_PROP_POS_MSEC)
        if milliseconds in broken:
            decoded.broken += 1
            continue
        store.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        decoded.milliseconds.append(milliseconds)
    return decoded


def _time(decoded: Decoded, claims: Claims) -> tuple[NDArray[np.float64], float | None, str]:
    """Time stamps in s from the first frame, the rate, and where the rate is from."""
    count = decoded.count
    if claims.fps is None and claims.container in ("avi", "h26x"):
        # The stamps are then made of FFmpeg's own 25 frames per second.
        return np.full(count, np.nan), None, "unknown"
    stamps = np.asarray(decoded.milliseconds, np.float64) / 1000
    stamps -= stamps[0]
    steps = np.diff(stamps)
    if claims.fps is not None and (count < 2 or not np.all(steps > 0)):
        # Some containers carry no time stamp per frame: then the frame rate is all there is.
        return np.arange(count) / claims.fps, claims.fps, "container"
    if count < 2 or not np.all(steps > 0):
        return np.full(count, np.nan), None, "unknown"
    if claims.fps is not None and abs(float(np.median(steps)) - 1 / claims.fps) < _CLOSE_S:
        return stamps, claims.fps, "container"
    return stamps, float((count - 1) / stamps[-1]), "time stamps"


def _silence() -> None:
    # OpenCV and FFmpeg print their complaints on stderr; ours is one line.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when a file is first opened


def _fourcc_text(code: int) -> str:
    if code == 0:
        return "raw"
    text = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0 ")
    return text if text.isprintable() and text else "unknown"
