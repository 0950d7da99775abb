"""Preview as a video: the original with the crop on the left, the network's view on the right."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edgeecho.common.errors import OutputError
from edgeecho.common.files import atomic_path
from edgeecho.tools.preview.overlay import draw_traced
from edgeecho.tools.preview.view import PAPER, Image, Preview, write_text_on

CODECS = {".avi": "MJPG", ".mp4": "mp4v"}
"""Codec by suffix: what OpenCV's FFmpeg can write everywhere."""
UNKNOWN_FPS = 25.0
"""Frame rate of the preview if the video's is unknown, in frames/s."""
_HEIGHT = 448
_GAP = 8
_LABEL = 22


def write_movie(path: Path, view: Preview) -> None:
    """Write an AVI or MP4 file (see `CODECS`) atomically. Raises `OutputError`."""
    first = _draw(view, 0)
    size = first.shape[1], first.shape[0]
    with atomic_path(path) as temporary:
        writer = cv2.VideoWriter(
            str(temporary.absolute()),
            cv2.CAP_FFMPEG,
            cv2.VideoWriter.fourcc(*CODECS[path.suffix.lower()]),
            view.prepared.fps or UNKNOWN_FPS,
            size,
        )
        if not writer.isOpened():
            raise OutputError(f"{path} cannot be written: OpenCV has no encoder for it here")
        for index in range(len(view.prepared.frames)):
            writer.write(cv2.cvtColor(_draw(view, index), cv2.COLOR_RGB2BGR))
        writer.release()
        _check_written(temporary, len(view.prepared.frames), path)


def _draw(view: Preview, index: int) -> Image:
    original = view.original(index, _HEIGHT)
    frame = cv2.resize(view.clip_frame(index), (_HEIGHT, _HEIGHT), interpolation=cv2.INTER_NEAREST)
    if view.traced is not None:
        draw_traced(np.asarray(frame, np.uint8), view.traced, index)
    # Encoders need even sizes.
    width = (original.shape[1] + _GAP + _HEIGHT + 1) // 2 * 2
    picture = np.full((_HEIGHT + _LABEL, width, 3), PAPER, np.uint8)
    picture[:_HEIGHT, : original.shape[1]] = original
    picture[:_HEIGHT, width - _HEIGHT :] = frame
    mark = "  in the clip" if index in view.clip_frames else ""
    write_text_on(picture, f"{index}{mark}   {view.caption()}", (4, _HEIGHT + _LABEL - 7))
    return picture


def _check_written(temporary: Path, frames: int, path: Path) -> None:
    # OpenCV does not report write errors, such as a full disk, so count the written frames.
    capture = cv2.VideoCapture(str(temporary.absolute()), cv2.CAP_FFMPEG)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) if capture.isOpened() else 0
    capture.release()
    if count != frames:
        raise OutputError(f"{path}: only {count} of {frames} frames were written: disk full?")
