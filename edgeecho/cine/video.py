"""AVI, MP4 and other containers, through OpenCV's FFmpeg back end.

Why this back end: its MJPG pixels equal PyAV's rgb24 bit for bit and are what EchoNet-Dynamic
was trained on, while OpenCV's own MJPEG reader and other libjpeg paths differ by up to two
levels. So it is asked for by name; without it, reading fails rather than giving other pixels.
"""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.types import Cine
from edgeecho.errors import InputError


def read_video(path: Path) -> Cine:
    """Decode every frame of a video file; `InputError` where nothing can be decoded."""
    _silence()
    # Absolute: FFmpeg takes the part before a colon in "12:30.avi" for a protocol.
    capture = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise InputError(
            f"{path.name} is not a video or DICOM file that edgeecho can read: "
            "check that it plays elsewhere, or convert it to MJPG AVI"
        )
    try:
        frames, milliseconds = _decode(capture, path.name)
        fps = float(capture.get(cv2.CAP_PROP_FPS))
        fourcc = int(capture.get(cv2.CAP_PROP_FOURCC))
    finally:
        capture.release()
    if not frames:
        raise InputError(f"{path.name} holds no frame that can be decoded: export it again")
    known = np.isfinite(fps) and fps > 0
    return Cine(
        frames=np.stack(frames),
        timestamps_s=_timestamps(milliseconds, fps if known else None),
        fps=fps if known else None,
        fps_source="container" if known else "unknown",
        container="video",
        codec=_fourcc_text(fourcc),
    )


def _silence() -> None:
    # OpenCV and FFmpeg print their complaints on stderr; ours is one line.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read when a file is first opened


def _decode(capture: cv2.VideoCapture, name: str) -> tuple[list[NDArray[np.uint8]], list[float]]:
    # The container's frame count is not used: it is often wrong and can be absurd, so memory
    # grows only with frames that really were decoded.
    frames: list[NDArray[np.uint8]] = []
    milliseconds: list[float] = []
    while True:
        ok, frame = capture.read()
        if not ok:
            return frames, milliseconds
        if frames and frame.shape[:2] != frames[0].shape[:2]:
            raise InputError(
                f"{name}: the frame size changes within the video: export it with one frame size"
            )
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False))
        milliseconds.append(capture.get(cv2.CAP_PROP_POS_MSEC))


def _timestamps(milliseconds: list[float], fps: float | None) -> NDArray[np.float64]:
    stamps = np.asarray(milliseconds, np.float64) / 1000
    stamps -= stamps[0]
    if len(stamps) == 1 or np.all(np.diff(stamps) > 0):
        return stamps
    # Some containers carry no time stamp per frame: then the frame rate is all there is.
    return np.arange(len(stamps)) / fps if fps else np.full(len(stamps), np.nan)


def _fourcc_text(code: int) -> str:
    text = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0 ")
    return text if text.isprintable() and text else "unknown"
