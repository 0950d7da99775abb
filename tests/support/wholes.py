"""Undamaged files as many programs write them: each holds everything that its player shows.

60 frames of the phantom, at 50 frames/s or at uneven times.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from media import jpegs, phantom_frames, write_avi

COUNT = 60
B_FRAMES = {"bf": "2", "g": "12"}
VP8 = {"deadline": "realtime", "cpu-used": "8"}
STALL = [33 * i + 150 * (i > 30) for i in range(COUNT)]
DROPS = [33 * i for i in range(80) if i % 13][:COUNT]
_TIMES = np.random.default_rng(0).choice(
    [33, 34, 50, 17, 100], COUNT, p=[0.8, 0.1, 0.04, 0.03, 0.03]
)
UNEVEN = np.cumsum(_TIMES).tolist()
_HZ = 48_000


@dataclass
class Plan:
    """What to write."""

    suffix: str
    codec: str = "libx264"
    pixels: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: dict(B_FRAMES))
    settings: dict[str, str] = field(default_factory=dict)
    """Of the muxer."""
    sound: tuple[str, float, float] | None = None
    """Its codec, begin and length in s."""
    times_ms: Sequence[int] = tuple(range(0, 20 * COUNT, 20))
    rate: int | None = 50
    """What the header says; None: nothing, as for a variable rate."""
    cover: bool = False
    """A picture of the whole, as a second video stream."""
    attachment: tuple[str, str, bytes] | None = None
    """Name, type and content."""
    time_code: bool = False

    def write(self, folder: Path) -> Path:
        """The file."""
        path = folder / f"whole{self.suffix}"
        with av.open(str(path), "w", options=self.settings) as container:
            stream = self._stream(container)
            voice = (
                container.add_stream(self.sound[0], rate=_HZ, layout="mono") if self.sound else None
            )
            cover = self._cover(container) if self.cover else None
            if self.attachment:
                container.add_attachment(*self.attachment)
            if self.time_code:
                stream.metadata["timecode"] = "00:00:00:00"
            packets = list(self._pictures(stream))
            if voice is not None and self.sound is not None:
                packets += _sound(voice, *self.sound[1:])
            packets.sort(key=lambda p: (p.dts or 0) * p.time_base)
            if cover is not None:
                container.mux(cover)
            container.mux(packets)
        return path

    def _stream(self, container: Any) -> Any:
        stream = container.add_stream(self.codec, rate=self.rate, options=self.options)
        stream.height = stream.width = 112
        stream.pix_fmt = self.pixels
        stream.codec_context.thread_count = 1
        if self.rate is None or list(self.times_ms) != list(range(0, 20 * COUNT, 20)):
            stream.codec_context.time_base = Fraction(1, 1000)
        return stream

    def _pictures(self, stream: Any) -> Any:
        unit = stream.codec_context.time_base or Fraction(1, 50)
        for frame, time in zip(phantom_frames(), self.times_ms, strict=False):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            picture.pts, picture.time_base = round(time / 1000 / unit), unit
            yield from stream.encode(picture)
        yield from stream.encode(None)

    def _cover(self, container: Any) -> Any:
        stream = container.add_stream("mjpeg", rate=1)
        stream.height = stream.width = 64
        stream.pix_fmt = "yuvj420p"
        stream.disposition = Disposition.attached_pic.value  # PyAV 17 takes no flag
        grey = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
        return [*stream.encode(grey), *stream.encode(None)]


def _sound(voice: Any, begin: float, length: float) -> list[Any]:
    context = voice.codec_context
    kind = np.float32 if context.format.name.startswith("f") else np.int16
    packets = []
    for at in range(0, int(length * _HZ), 960):
        silence = np.zeros((1, 960), kind)
        frame = av.AudioFrame.from_ndarray(silence, format=context.format.name, layout="mono")
        frame.sample_rate, frame.time_base = _HZ, Fraction(1, _HZ)
        frame.pts = at + int(begin * _HZ)
        packets += voice.encode(frame)
    return packets + voice.encode(None)


def with_edits(path: Path, edits: Sequence[tuple[float, float | None]]) -> Path:
    """Give an MP4 whose index is at its end an edit list: each edit shows so many s from so many s
    of its stream on; None: nothing (ISO/IEC 14496-12, 8.6.6)."""
    data = path.read_bytes()
    at = data.rindex(b"moov") - 4
    movie = data[at:]
    (units,) = struct.unpack_from(">I", movie, movie.index(b"mvhd") + 16)
    (ticks,) = struct.unpack_from(">I", movie, movie.index(b"mdhd") + 16)
    entries = b"".join(
        struct.pack(">IiI", round(shown * units), -1 if a is None else round(a * ticks), 1 << 16)
        for shown, a in edits
    )
    new = _box(b"edts", _box(b"elst", struct.pack(">II", 0, len(edits)) + entries))
    track = dict(_boxes(dict(_boxes(movie[8:]))[b"trak"][8:]))
    track.pop(b"edts", None)
    media = track.pop(b"mdia")
    parts = dict(_boxes(movie[8:])) | {
        b"trak": _box(b"trak", b"".join(track.values()) + new + media)
    }
    path.write_bytes(data[:at] + _box(b"moov", b"".join(parts.values())))
    return path


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + name + content


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while data:
        size, name = struct.unpack_from(">I4s", data)
        found.append((name, data[:size]))
        data = data[size:]
    return found


def _fragments(flags: str, **more: Any) -> Plan:
    return Plan(".mp4", settings={"movflags": flags}, **more)


def _webm(**more: Any) -> Plan:
    return Plan(".webm", "libvpx", options=VP8, **more)


def _mkv_and_webm(
    name: str, sound: tuple[float, float] | None = None, **more: Any
) -> dict[str, Plan]:
    mkv, webm = (("aac", *sound), ("libopus", *sound)) if sound else (None, None)
    return {f"MKV, {name}": Plan(".mkv", sound=mkv, **more),
            f"WebM, {name}": _webm(sound=webm, **more)}  # fmt: skip


def _late(milliseconds: int) -> list[int]:
    return [milliseconds + 20 * i for i in range(COUNT)]


PLANS: dict[str, Plan] = {
    # Sound that lasts longer, or begins before the picture.
    **_mkv_and_webm("longer sound", (0, 3.0)),
    **_mkv_and_webm("late sound", (0.7, 1.5)),
    **_mkv_and_webm("late picture", (0, 2.2), times_ms=_late(600)),
    **_mkv_and_webm("first time 3 s", times_ms=_late(3000)),
    "MP4, longer sound": Plan(".mp4", sound=("aac", 0, 3.0)),
    "MP4, late picture": Plan(".mp4", sound=("aac", 0, 2.2), times_ms=_late(600)),
    "AVI, longer sound": Plan(".avi", "mpeg4", options={}, sound=("mp2", 0, 3.0)),
    # An MP4 whose frames are listed piece by piece.
    "fragments": _fragments("frag_keyframe"),
    "fragments, empty index": _fragments("frag_keyframe+empty_moov"),
    "fragments of one frame": _fragments("frag_every_frame+empty_moov+default_base_moof"),
    "fragments, DASH": _fragments("dash+frag_keyframe"),
    "fragments, CMAF": _fragments("cmaf"),
    "fragments of one track each": _fragments("frag_keyframe+separate_moof"),
    "fragments, longer sound": _fragments("frag_keyframe+empty_moov", sound=("aac", 0, 3.0)),
    "fragments, uneven": _fragments("frag_keyframe+empty_moov", times_ms=UNEVEN),
    "fragments, MOV": Plan(".mov", settings={"movflags": "frag_keyframe+empty_moov"}),
    # Uneven times, as cameras, browsers and screen recorders write them.
    **_mkv_and_webm("uneven", times_ms=UNEVEN),
    **_mkv_and_webm("a stall", times_ms=STALL),
    **_mkv_and_webm("a stall, no rate", times_ms=STALL, rate=None),
    **_mkv_and_webm("dropped frames", times_ms=DROPS),
    "MP4, a stall": Plan(".mp4", times_ms=STALL),
    "MOV, dropped frames": Plan(".mov", times_ms=DROPS),
    # Without a length, as what is written to a pipe.
    "WebM, live": _webm(settings={"live": "1"}),
    "WebM, live, a stall, sound": _webm(
        settings={"live": "1"}, times_ms=STALL, sound=("libopus", 0, 3.0)
    ),
    "MKV, live, uneven": Plan(".mkv", settings={"live": "1"}, times_ms=UNEVEN),
    # What lies beside the picture.
    "MP4, a cover": Plan(".mp4", cover=True),
    "MKV, a cover": Plan(".mkv", attachment=("cover.jpg", "image/jpeg", jpegs()[0])),
    "MKV, a font": Plan(".mkv", attachment=("a.ttf", "application/x-truetype-font", bytes(500))),
    "MOV, a time code": Plan(".mov", time_code=True),
    # Orders of frames.
    "MP4, index first": Plan(".mp4", settings={"movflags": "faststart"}),
    "MP4, negative offsets": Plan(".mp4", settings={"movflags": "negative_cts_offsets"}),
    "MKV, open groups": Plan(
        ".mkv", options={"x264-params": "open-gop=1:keyint=12:bframes=3:log-level=none"}
    ),
    "WebM, VP8, hidden frames": Plan(
        ".webm", "libvpx", options={"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "4"}
    ),
    "AVI, MPEG-4 with B-frames": Plan(".avi", "mpeg4", options={"bf": "2"}),
    "AVI, OpenDML": Plan(".avi", "mjpeg", "yuvj420p", {}, settings={"reserve_index_space": "1000"}),
    # FFmpeg fills the time between frames with empty chunks.
    "AVI, uneven": Plan(
        ".avi", "mjpeg", "yuvj420p", {}, times_ms=[20 * round(t / 20) for t in UNEVEN]
    ),
}


def _without(*places: int) -> Callable[[Path], Path]:
    """An AVI in which nothing was recorded at some frames' times, as capture programs write it."""

    def write(folder: Path) -> Path:
        chunks = [b"" if i in places else jpeg for i, jpeg in enumerate(jpegs())]
        return write_avi(folder / "a.avi", chunks)

    return write


def _untagged(name: str) -> Callable[[Path], Path]:
    """As programs write it that say how long the whole is, and not how long each stream."""

    def write(folder: Path) -> Path:
        path = PLANS[name].write(folder)
        path.write_bytes(path.read_bytes().replace(b"DURATION", b"DURABLES"))
        return path

    return write


WHOLES: dict[str, Callable[[Path], Path]] = {
    **{name: plan.write for name, plan in PLANS.items()},
    **{f"{name}, no tags": _untagged(name) for name in PLANS if name[:4] in ("MKV,", "WebM")},
    "AVI, dropped frames": _without(13, 14, 50),
    "AVI, dropped frames at the end": _without(30, 98, 99),
    "AVI, count too low": lambda folder: write_avi(folder / "a.avi", jpegs(), claimed=40),
}
"""Name -> writes it into a folder."""
EDITS: dict[str, tuple[str, tuple[tuple[float, float | None], ...], list[int]]] = {
    # In the stream's own time frame n is at (n + 2) / 50 s, since two may come out of order.
    "begin": (".mp4", ((0.8, 0.44),), [*range(20, 60)]),
    "end": (".mp4", ((0.8, 0.04),), [*range(40)]),
    "both": (".mp4", ((0.5, 0.34),), [*range(15, 40)]),
    "middle": (".mp4", ((0.4, 0.04), (0.4, 0.84)), [*range(20), *range(40, 60)]),
    "a part twice": (".mp4", ((0.4, 0.04), (0.4, 0.04)), [*range(20), *range(20)]),
    "none, but late": (".mp4", ((0.5, None), (1.2, 0.04)), [*range(60)]),
    "both, and late": (".mp4", ((0.5, None), (0.6, 0.34)), [*range(15, 45)]),
    "both, MOV": (".mov", ((0.5, 0.34),), [*range(15, 40)]),
    "middle, MOV": (".mov", ((0.4, 0.04), (0.4, 0.84)), [*range(20), *range(40, 60)]),
}
"""What is cut away -> suffix, edits for `with_edits`, the frames that stay."""
