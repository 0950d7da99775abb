"""End diastole and end systole of a beat side by side, with contour and long axis."""

from __future__ import annotations

from html import escape

from edgeecho.beats import Beat, Beats, Moment
from edgeecho.report.html.contours import over
from edgeecho.report.html.frames import cut
from edgeecho.report.reasons import UNUSED
from edgeecho.results.pictures import Pictures
from edgeecho.results.typical import frames_of, typical_first

_NAMES = ("End diastole", "End systole")


def draw_pairs(beats: Beats, pictures: Pictures, number: int, unit: str) -> str:
    """Of every beat whose frames are on the page; the most typical one is seen at first."""
    shown = [
        n for n in typical_first(beats) if set(frames_of(beats.found[n])) <= set(pictures.indices)
    ]
    if not shown:
        return ""
    first = shown[0]
    choice = ""
    if len(shown) > 1:
        labels = "".join(
            f'<label><input type="radio" name="beat-{number}" value="{n}"'
            f"{' checked' if n == first else ''}> {n + 1}</label>"
            for n in sorted(shown)
        )
        choice = f'<fieldset class="choice" hidden><legend>Beat</legend>{labels}</fieldset>'
    pairs = "".join(
        _pair(n, beats.found[n], pictures, number, unit, hidden=n != first) for n in sorted(shown)
    )
    return f'<div class="pairs">{choice}{pairs}</div>'


def _pair(n: int, beat: Beat, pictures: Pictures, number: int, unit: str, *, hidden: bool) -> str:
    tiles = "".join(
        _tile(name, moment, pictures, number, unit)
        for name, moment in zip(_NAMES, (beat.ed, beat.es), strict=True)
        if moment is not None
    )
    words = f"Beat {n + 1}"
    if beat.traced_ef is not None:
        words += f": traced EF {beat.traced_ef:.1f} %"
    if beat.unused is not None:
        words += f"; not used, {UNUSED[beat.unused]}"
    return (
        f'<figure class="pair" data-beat="{n}"{" hidden" if hidden else ""}>{tiles}'
        f"<figcaption>{escape(words)}.</figcaption></figure>"
    )


def _tile(name: str, moment: Moment, pictures: Pictures, number: int, unit: str) -> str:
    when = f"frame {moment.frame}"
    if unit == "seconds":
        when += f", {moment.ms / 1000:.2f} s"
    label = f"{name}, {when}, with contour and long axis"
    picture = cut(pictures, moment.frame, number, label, over(pictures, moment))
    facts = _facts(moment)
    return (
        f'<div>{picture}<p><b>{name}</b> <span class="soft">{when}</span>'
        f"{f'<br>{facts}' if facts else ''}</p></div>"
    )


def _facts(moment: Moment) -> str:
    if (shape := moment.shape) is None:
        return ""
    if shape.simpson_ml is None or shape.long_axis_cm is None:
        return f"long axis {shape.long_axis:.1f} pixels"
    return f"{shape.simpson_ml:.0f} mL, long axis {shape.long_axis_cm:.1f} cm"
