"""Real interlaced files: each picture has two fields that were taken at different times."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.context import Flags
from av.filter import Graph
from media import phantom_frames, usual_priority

WOVEN = 25
"""Pictures in each file, made of so many pairs of phantom frames."""
_FIELDS = Flags.interlaced_dct | Flags.interlaced_me
FORMATS: dict[str, tuple[str, str, str, dict[str, str], tuple[int, int]]] = {
    "H.264": (".mp4", "libx264", "yuv420p", {"x264-params": "tff=1"}, (224, 224)),
    "H.264, TS": (".ts", "libx264", "yuv420p", {"x264-params": "tff=1"}, (224, 224)),
    "MPEG-2, PS": (".mpg", "mpeg2video", "yuv420p", {}, (224, 224)),
    "H.264, bare": (".h264", "libx264", "yuv420p", {"x264-params": "tff=1"}, (224, 224)),
    "MPEG-2, bare": (".m2v", "mpeg2video", "yuv420p", {}, (224, 224)),
    "MPEG-2, TS": (".ts", "mpeg2video", "yuv420p", {}, (224, 224)),
    "DV": (".avi", "dvvideo", "yuv420p", {}, (576, 720)),
    "MPEG-4 ASP": (".avi", "mpeg4", "yuv420p", {}, (224, 224)),
    "FFV1": (".mkv", "ffv1", "yuv422p", {"level": "3"}, (224, 224)),
    "ProRes": (".mov", "prores_ks", "yuv422p10le", {}, (224, 224)),
}
"""Name -> suffix, encoder, pixel format, options, (height, width)."""


def true_frames(size: tuple[int, int]) -> np.ndarray:
    """`(50, H, W, 3)`: what a camera of twice the rate would have seen."""
    height, width = size
    return np.stack([cv2.resize(f, (width, height)) for f in phantom_frames()[: 2 * WOVEN]])


def weave(frames: np.ndarray) -> np.ndarray:
    """Every other line of a frame, and between them the lines of the next frame."""
    woven = frames[::2].copy()
    woven[:, 1::2] = frames[1::2, 1::2]
    return woven


def write_interlaced(
    folder: Path,
    name: str,
    *,
    frames: np.ndarray | None = None,
    size: tuple[int, int] | None = None,
    from_picture: int = 0,
) -> Path:
    """One of `FORMATS`; pictures before `from_picture` are progressive. `size`: of `frames`."""
    suffix, codec, pixels, options, usual = FORMATS[name]
    size = size or usual
    true = true_frames(size) if frames is None else frames
    pictures = np.concatenate([true[: 2 * from_picture : 2], weave(true[2 * from_picture :])])
    stem = "".join(c for c in name.lower() if c.isalnum())
    path = folder / f"interlaced-{stem}{suffix}"
    with usual_priority(), av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = size[0], size[1], pixels
        stream.codec_context.thread_count = 1
        stream.codec_context.bit_rate = 20_000_000  # what is measured is not the encoder
        stream.codec_context.flags |= _FIELDS
        marks = {kind: _marker(size, kind) for kind in ("prog", "tff")}
        for i, pixels_rgb in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels_rgb), format="rgb24")
            frame.pts = i
            frame = marks["tff" if i >= from_picture else "prog"](
                frame.reformat(format=stream.pix_fmt)
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _marker(size: tuple[int, int], kind: str) -> Callable[[av.VideoFrame], av.VideoFrame]:
    """Says of a frame that it is woven, or that it is not."""
    graphs: dict[str, Graph] = {}

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        if frame.format.name not in graphs:
            graph = graphs[frame.format.name] = Graph()
            source = graph.add_buffer(
                width=size[1], height=size[0], format=frame.format, time_base=Fraction(1, 25)
            )
            graph.link_nodes(source, graph.add("setfield", kind), graph.add("buffersink"))
            graph.configure()
        graphs[frame.format.name].vpush(frame)
        marked = graphs[frame.format.name].vpull()
        assert isinstance(marked, av.VideoFrame)
        return marked

    return mark
