"""What the page says of one file."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from string import Template

from edgeecho.estimation import EFEstimate
from edgeecho.preprocess import VideoFacts
from edgeecho.report.html.assets import read_asset
from edgeecho.report.html.curve import Spans, draw_curve
from edgeecho.report.html.frames import contact_sheet, player, sprite
from edgeecho.report.html.scale import draw_scale
from edgeecho.report.outcome import Failure
from edgeecho.report.pictures import Pictures
from edgeecho.report.text import AREAS

Facts = list[tuple[str, str]]
"""Name and value; the value is HTML."""
# The JSON and CSV forms have all of them.
_MOST_ROWS = 200


def answered_section(
    number: int, name: str, answer: EFEstimate, pictures: Pictures | None, sha256: str | None
) -> str:
    """An EF, and what is needed to judge it."""
    total = pictures.total if pictures else answer.clip_starts[-1] + 1
    middle = pictures.place if pictures else (len(answer.clip_efs) - 1) // 2
    spans = Spans.of(answer, total)
    return Template(read_asset("answer.html")).substitute(
        number=number,
        name=escape(name),
        exact=repr(answer.ef),
        ef=f"{answer.ef:.1f}",
        spread=_spread(answer),
        scale=draw_scale(answer, labelled=True),
        warnings=_warnings(answer.warnings),
        sprite=sprite(pictures, number) if pictures else "",
        player=player(pictures, number, name, answer.video.area) if pictures else _NO_PICTURES,
        curve=draw_curve(answer, spans, middle),
        rows=_clip_rows(answer, spans),
        unit=spans.unit,
        sheet=_sheet(answer, pictures, number, middle) if pictures else "",
        facts=fact_list(_facts(answer, sha256)),
    )


def failed_section(number: int, name: str, failure: Failure) -> str:
    """The reason why there is no EF."""
    return Template(read_asset("failure.html")).substitute(
        number=number, name=escape(name), reason=escape(failure.message)
    )


def fact_list(facts: Facts) -> str:
    """Names and values."""
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{items}</dl>'


_NO_PICTURES = '<p class="soft">No frames: a page of so many files would be too large.</p>'


def _spread(answer: EFEstimate) -> str:
    if answer.sd is None:
        return "One clip, so nothing is known of how the answer varies along the video."
    low, high = min(answer.clip_efs), max(answer.clip_efs)
    return (
        f"Mean of {len(answer.clip_efs)} clips, <b>{low:.1f} to {high:.1f} %</b>, "
        f"sd {answer.sd:.1f} EF points. That is how the answer varies along the video; "
        "it is no confidence interval."
    )


def _warnings(warnings: Iterable[str]) -> str:
    items = "".join(f"<li><bdi>{escape(warning)}</bdi></li>" for warning in warnings)
    return f'<div class="warnings"><h3>Warnings</h3><ul>{items}</ul></div>' if items else ""


def _clip_rows(answer: EFEstimate, spans: Spans) -> str:
    digits = 0 if answer.clip_times_s is None else 2
    rows = [
        f'<tr><th scope="row">{i}</th><td>{begin:.{digits}f}</td><td>{end:.{digits}f}</td>'
        f"<td>{ef:.1f}</td></tr>"
        for i, ((begin, end), ef) in enumerate(zip(spans.clips, answer.clip_efs, strict=True), 1)
    ]
    if len(rows) > _MOST_ROWS:
        rest = f"and {len(rows) - _MOST_ROWS} more, in the JSON form"
        rows[_MOST_ROWS:] = [f'<tr><td colspan="4">{rest}</td></tr>']
    return "".join(rows)


def _sheet(answer: EFEstimate, pictures: Pictures, number: int, middle: int) -> str:
    count = len(answer.clip_efs)
    which = "The clip" if count == 1 else f"Clip {middle + 1} of {count}"
    title = f"{which}: EF {answer.clip_efs[middle]:.1f} %"
    return (
        f"<h3>{title}</h3>"
        f'<p class="soft">Its {len(pictures.clip)} frames as the network saw them, '
        f"numbered from 0.</p>{contact_sheet(pictures, number)}"
    )


def _facts(answer: EFEstimate, sha256: str | None) -> Facts:
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
