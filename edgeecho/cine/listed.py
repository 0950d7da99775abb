"""What a container says of its pictures alone: how many they are, or when they end."""

from __future__ import annotations

import re

from av.container import InputContainer
from av.video.stream import VideoStream

_CLOCK = re.compile(r"(\d{1,3}):(\d\d):(\d\d(?:\.\d{1,9})?)")
_LONGEST_S = 1e6  # damaged headers give numbers like -4e17


def count_listed(stream: VideoStream, kind: str, empty: int) -> int | None:
    """Frames that a player shows, by the lists of an AVI or MP4; None where there is no list.

    To be called when the stream was read: an MP4 in fragments lists those of each in it. `empty`
    of an AVI's are places of frames that were not recorded.
    """
    if kind == "avi":
        return max(stream.frames - empty, 0) or None
    if kind == "mp4":
        # Less those that only an edit list hides; `stream.frames` counts them, and of an MP4 in
        # fragments only those of the first.
        return sum(1 for e in stream.index_entries if e.size and not e.is_discard) or None
    return None


def pictures_end(container: InputContainer, stream: VideoStream, kind: str) -> float | None:
    """At what time in s the last picture ends, by the file's clock; None where it does not say."""
    found: float | None = None
    if kind == "mkv":
        found = _of_track(stream)
        timed = [s for s in container.streams if s.type in ("video", "audio", "subtitle")]
        if found is None and len(timed) == 1 and container.duration:
            # Else it is when the longest of them ends.
            found = container.duration / 1e6
    elif kind == "mp4" and len(stream.index_entries) < stream.frames and stream.time_base:
        # Its list is shorter than it says: an edit list made it so, or damage.
        found = float((stream.duration or 0) * stream.time_base)
    return found if found is not None and 0 < found < _LONGEST_S else None


def _of_track(stream: VideoStream) -> float | None:
    """The tag that FFmpeg and mkvmerge write for each track."""
    clock = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))
    if clock is None:
        return None
    hours, minutes, seconds = clock.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
