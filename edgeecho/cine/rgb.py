"""Converting decoded frames to RGB; interlaced ones are deinterlaced first, by FFmpeg's filter."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

import cv2
import numpy as np
from av.filter import Graph
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edgeecho.cine import yuv
from edgeecho.cine.aspect import Aspect
from edgeecho.cine.ffmpeg import ERRORS, fields_refused
from edgeecho.cine.store import FrameStore, size_changes
from edgeecho.common.errors import InputError

# `send_frame`: one output frame per input frame, with its time stamp.
_DEINTERLACE = "bwdif", "mode=send_frame:parity=auto:deint=interlaced"


class ToRGB:
    """Converts the frames of one stream into a `FrameStore`."""

    def __init__(self, stream: VideoStream, name: str, store: FrameStore, aspect: Aspect) -> None:
        self._stream, self._name, self._store, self._aspect = stream, name, store, aspect
        self._unit, self._convert = stream.time_base, VideoReformatter()
        self._filter: Graph | None = None
        self._size = (0, 0)
        self.seconds: list[float] = []
        """Time stamp in s of each frame in the store; NaN where the file gives none."""
        self.deinterlaced = 0
        """Number of frames made of two fields, which were taken at different times."""

    def add(self, frame: VideoFrame) -> None:
        """Store a frame; an interlaced one is stored when the next one comes.

        `InputError` if it cannot be deinterlaced; other errors are those of the store.
        """
        if frame.interlaced_frame:
            self.deinterlaced += 1
            self._unweave(frame)
            return
        # A progressive frame bypasses the filter, which is flushed: between an interlaced and a
        # progressive frame it interpolates from uninitialised lines.
        self.flush()
        self._keep(frame, self._unit)

    def flush(self) -> None:
        """Store the frames that are still in the filter."""
        if self._filter is not None:
            ended, self._filter = self._filter, None
            self._run(ended, None)

    def _unweave(self, frame: VideoFrame) -> None:
        if self._filter is None:
            self._filter = self._new_filter(frame)
        elif (frame.height, frame.width) != self._size:
            raise size_changes(self._name)
        self._run(self._filter, frame)

    def _new_filter(self, frame: VideoFrame) -> Graph:
        if self._stream.codec_context.name == "hevc":
            # In HEVC each field is a frame of its own, of half the height.
            raise fields_refused(self._name, "HEVC")
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._unit
        )
        self._size = frame.height, frame.width
        try:
            graph.link_nodes(source, graph.add(*_DEINTERLACE), graph.add("buffersink")).configure()
        except ERRORS as error:
            raise self._cannot() from error
        return graph

    def _run(self, graph: Graph, frame: VideoFrame | None) -> None:
        try:
            graph.vpush(frame)
            while True:
                picture = graph.vpull()
                assert isinstance(picture, VideoFrame)
                self._keep(picture, picture.time_base)
        except (BlockingIOError, EOFError):  # the filter needs another frame, or is drained
            return
        except ERRORS as error:
            raise self._cannot() from error

    def _cannot(self) -> InputError:
        return InputError(
            f"{self._name} is interlaced, and its pictures cannot be deinterlaced: export it with "
            "progressive frames"
        )

    def _bgr(self, frame: VideoFrame) -> NDArray[np.uint8]:
        if not yuv.NATIVE and yuv.convertible(frame):
            return yuv.to_bgr(frame)
        try:
            # One context for all frames, and one thread: anything else takes longer than decoding.
            # BGR and bicubic are OpenCV's settings; others differ by up to 3 levels for more than 8
            # bits or odd sizes.
            shown = self._convert.reformat(
                frame, format="bgr24", interpolation="BICUBIC", threads=1
            )
        except ERRORS as error:
            raise InputError(
                f"{self._name}: its pixels ({frame.format.name}) cannot be shown as RGB: "
                "export it as MJPG AVI"
            ) from error
        plane, size = shown.planes[0], (shown.height, shown.width, 3)
        return np.ndarray(size, np.uint8, memoryview(plane), strides=(plane.line_size, 3, 1))

    def _keep(self, frame: VideoFrame, unit: Fraction | None) -> None:
        bgr = self._bgr(frame)
        height, width, _ = bgr.shape
        known: Mapping[Type, SideData] = cast(Any, frame.side_data)  # its stubs say str
        matrix = known.get(Type.DISPLAYMATRIX)
        if matrix or self._aspect.square(height, width) != (height, width):
            self._store.append(_placed(self._aspect.stretch(bgr[..., ::-1]), matrix))
        else:
            place = self._store.place(height, width)
            if cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB, place) is not place:
                raise RuntimeError("OpenCV wrote the picture somewhere else")
        self.seconds.append(_seconds(frame, unit))


def _placed(picture: NDArray[np.uint8], matrix: SideData | None) -> NDArray[np.uint8]:
    """Rotate by right angles and mirror a frame as the container's display matrix says.

    (x, y) is displayed at (ax + cy, bx + dy). Telephones rotate, front cameras mirror.
    """
    if matrix is None:
        return picture
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    if abs(b) > abs(a):
        picture, a, d = picture.transpose(1, 0, 2), c, b
    return picture[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]


def _seconds(frame: VideoFrame, unit: Fraction | None) -> float:
    stamp = frame.pts if frame.pts is not None else frame.dts
    if stamp is None or unit is None:
        return float("nan")
    return stamp * unit.numerator / unit.denominator
