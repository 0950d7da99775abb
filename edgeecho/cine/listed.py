"""What a container's index states about the video alone: number of frames, or when it ends."""

from __future__ import annotations

import re

from av.container import InputContainer
from av.video.stream import VideoStream

_CLOCK = re.compile(r"(\d{1,3}):(\d\d):(\d\d(?:\.\d{1,9})?)")
_LONGEST_S = 1e6  # damaged headers give numbers like -4e17


def count_listed(stream: VideoStream, kind: str, empty: int) -> int | None:
    """Number of frames that a player shows, by the index of an AVI or MP4; None without an index.

    Call it after reading the stream: each fragment of a fragmented MP4 has its own index. `empty`
    is the number of an AVI's entries for frames that were not recorded.
    """
    if kind == "avi":
        return max(stream.frames - empty, 0) or None
    if kind == "mp4":
        # `stream.frames` is no use: it includes frames that an edit list hides, and in a fragmented
        # MP4 counts those of the first fragment only.
        return sum(1 for e in stream.index_entries if e.size and not e.is_discard) or None
    return None


def pictures_end(container: InputContainer, stream: VideoStream, kind: str) -> float | None:
    """Time in s at which the last frame ends, by the file's clock; None if it does not say."""
    found: float | None = None
    if kind == "mkv":
        found = _of_track(stream)
        timed = [s for s in container.streams if s.type in ("video", "audio", "subtitle")]
        if found is None and len(timed) == 1 and container.duration:
            # With several tracks, the duration is that of the longest.
            found = container.duration / 1e6
    elif kind == "mp4" and len(stream.index_entries) < stream.frames and stream.time_base:
        # The index is shorter than the header claims, because of an edit list or damage.
        found = float((stream.duration or 0) * stream.time_base)
    return found if found is not None and 0 < found < _LONGEST_S else None


def _of_track(stream: VideoStream) -> float | None:
    """Duration in s from the tag that FFmpeg and mkvmerge write for each track."""
    clock = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if clock is None:
        return None
    hours, minutes, seconds = clock.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
