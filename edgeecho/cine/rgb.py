"""Decoded pictures to RGB: woven fields are unwoven first, by FFmpeg's own filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from edgeecho.cine.ffmpeg import ERRORS
from edgeecho.errors import InputError

# One picture for each that comes in, at its time; progressive ones pass through bit for bit.
_DEINTERLACE = "bwdif", "mode=send_frame:parity=auto:deint=interlaced"


class Picture(NamedTuple):
    """A picture as it is shown."""

    pixels: NDArray[np.uint8]
    """`(H, W, 3)` RGB."""
    seconds: float
    """Its time stamp; NaN where the file gives none."""


class ToRGB:
    """Converts the pictures of one stream."""

    def __init__(self, stream: VideoStream, name: str) -> None:
        self._stream, self._name, self._unit = stream, name, stream.time_base
        self._convert = VideoReformatter()
        self._graph: Graph | None = None
        self.deinterlaced = 0
        """So many pictures were made of two fields, taken at different times."""

    def add(self, frame: VideoFrame) -> Iterable[Picture]:
        """What can be shown now: none, one or two. `InputError` where fields cannot be unwoven."""
        if frame.interlaced_frame:
            self._start_deinterlacing(frame)
            self.deinterlaced += 1
        if self._graph is None:
            return (self._show(frame),)
        return self._filtered(frame)

    def flush(self) -> Iterable[Picture]:
        """What the filter still holds."""
        if self._graph is None:
            return ()
        return self._filtered(None)

    def _start_deinterlacing(self, frame: VideoFrame) -> None:
        if self._graph is not None:
            return
        if self._stream.codec_context.name == "hevc":
            # Each field is a picture of its own there, of half the height.
            raise InputError(
                f"{self._name} is HEVC coded in fields, which edgeecho does not read: "
                "export it with progressive frames"
            )
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=self._stream.time_base,
        )
        graph.link_nodes(source, graph.add(*_DEINTERLACE), graph.add("buffersink")).configure()
        self._graph = graph

    def _filtered(self, frame: VideoFrame | None) -> Iterator[Picture]:
        assert self._graph is not None
        try:
            self._graph.vpush(frame)
            while True:
                shown = self._graph.vpull()
                assert isinstance(shown, VideoFrame)
                yield self._show(shown)
        except (BlockingIOError, EOFError):  # it wants another one first, or has given all
            return
        except ERRORS as error:  # the pictures change within the stream, say
            raise InputError(
                f"{self._name} is interlaced, and its pictures cannot be deinterlaced: export it "
                "with progressive frames"
            ) from error

    def _show(self, frame: VideoFrame) -> Picture:
        try:
            # A context for each frame would take longer than the decoder, and so do threads. BGR
            # and cubic, as OpenCV asks for: of deep or odd-sized pixels others differ by 3 levels.
            shown = self._convert.reformat(
                frame, format="bgr24", interpolation="BICUBIC", threads=1
            )
        except ERRORS as error:
            raise InputError(
                f"{self._name}: its pixels ({frame.format.name}) cannot be shown as RGB: "
                "export it as MJPG AVI"
            ) from error
        plane, shape = shown.planes[0], (shown.height, shown.width, 3)
        bgr = np.ndarray(shape, np.uint8, memoryview(plane), strides=(plane.line_size, 3, 1))
        rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
        turns = round(frame.rotation / 90) % 4  # counter-clockwise, as a telephone's video asks for
        return Picture(np.rot90(rgb, turns) if turns else rgb, self._seconds(frame))

    def _seconds(self, frame: VideoFrame) -> float:
        stamp = frame.pts if frame.pts is not None else frame.dts
        # The filter has a unit of its own; frames that are flushed from a decoder have none.
        unit = frame.time_base if self._graph else self._unit
        if stamp is None or unit is None:
            return float("nan")
        return stamp * unit.numerator / unit.denominator
