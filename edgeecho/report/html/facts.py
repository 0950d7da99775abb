"""Facts about a file and its processing, as names and values."""

from __future__ import annotations

from html import escape

from edgeecho.preprocess import VideoFacts
from edgeecho.report.text import AREAS
from edgeecho.results import Answer

Facts = list[tuple[str, str]]
"""Name and value; the value is HTML."""
# Characters; a SHA-256 in `code` has more.
_LONG = 72


def fact_list(facts: Facts) -> str:
    """HTML list of the facts; long values get the width of two."""
    long = (' class="long"' if len(value) > _LONG else "" for _, value in facts)
    items = "".join(
        f"<div{size}><dt>{name}</dt><dd>{value}</dd></div>"
        for size, (name, value) in zip(long, facts, strict=True)
    )
    return f'<dl class="facts">{items}</dl>'


def answer_facts(answer: Answer, sha256: str | None) -> Facts:
    """Facts about the video and its processing, without any that reveal the EF."""
    video, spec = answer.video, answer.model.preprocess
    clip = f"{spec.frames} frames, {spec.period} apart"
    if video.clip_s is not None:
        clip += f": {video.clip_s:.2f} s"
    if video.beats_per_clip is not None:
        clip += f", {video.beats_per_clip:.1f} heart beats"
    facts = [
        ("Frame rate", _rate(video)),
        ("Time base", _time(video)),
        ("Clip", clip),
        ("Heart rate", _heart(video)),
        ("Part of the image", _area(video)),
        ("Damage", "; ".join(map(escape, video.damage)) or "none found"),
        ("Deinterlaced frames", str(video.deinterlaced_frames or "none")),
        ("Repeated frames", _numbers(video.repeated_frames)),
        ("Frames that fit neither neighbour", _numbers(video.odd_frames)),
        ("File", escape(f"{video.container}, {video.codec}, {video.frames} frames, "
                        f"{video.width}×{video.height}")),
        ("Time taken", ", ".join(f"{k} {ms:.0f} ms" for k, ms in answer.timings_ms.items())),
    ]  # fmt: skip
    if sha256 is not None:
        facts.append(("File, SHA-256", f"<code>{sha256}</code>"))
    return facts


def _rate(video: VideoFacts) -> str:
    if video.fps is None:
        return "unknown"
    return f"{video.fps:.1f} frames/s ({escape(video.fps_source)})"


def _time(video: VideoFacts) -> str:
    if video.time == "native":
        return "native: frames by index"
    return f"{escape(video.time)}: brought to that rate by time stamps"


def _heart(video: VideoFacts) -> str:
    if video.heart_rate_bpm is None:
        return "none found in the motion"
    return f"{video.heart_rate_bpm:.0f} beats/min, from the motion"


def _area(video: VideoFacts) -> str:
    words = AREAS[video.area]
    if video.square is not None:
        x, y, side = video.square
        words += f": {side}×{side} pixels at {x}, {y}"
    if video.fill is not None:
        words += f", {100 * video.fill:.0f} % of it sector"
    return escape(words)


def _numbers(values: tuple[int, ...]) -> str:
    if not values:
        return "none"
    shown = ", ".join(map(str, values[:12]))
    return f"{len(values)}: {shown}" + (" …" if len(values) > 12 else "")
