"""The beats of a file: what they say, the curve they were found in, their pictures, a table."""

from __future__ import annotations

from html import escape
from string import Template

import numpy as np

from edgeecho.beats import Beat, Beats, Moment
from edgeecho.report.html.areas import draw_areas
from edgeecho.report.html.assets import read_asset
from edgeecho.report.html.curve import Spans
from edgeecho.report.html.pairs import draw_pairs
from edgeecho.report.html.parts import table
from edgeecho.report.reasons import NO_BEATS, UNUSED
from edgeecho.results import Numbers
from edgeecho.results.pictures import Pictures

# JSON and CSV have all of them.
_MOST_ROWS = 200


def beats_section(
    numbers: Numbers, pictures: Pictures | None, spans: Spans, number: int, *, refused: bool
) -> str:
    """Nothing where no beats were looked for. Of a refused answer only if its numbers are shown."""
    beats = numbers.beats
    if beats is None:
        return ""
    return Template(read_asset("beats.html")).substitute(
        kind=" shown" if refused else "",
        title="Beat by beat" + (", refused, shown because it was asked for" if refused else ""),
        words=_words(beats),
        areas=_areas(beats, spans),
        pairs=draw_pairs(beats, pictures, number, spans.unit) if pictures else "",
        table=_table(beats, spans.unit) if beats.found else "",
    )


def _areas(beats: Beats, spans: Spans) -> str:
    drawn = draw_areas(beats, spans.end, spans.unit, _spacing(beats))
    if not drawn:
        return ""
    return (
        '<p class="soft small">Area of the traced left ventricle, smoothed; thin: as traced. '
        "Filled dots: end diastole (ED); hollow: end systole (ES). Bars: beats; dashed: "
        f"not used.</p>{drawn}"
    )


def _words(beats: Beats) -> str:
    """Means and rhythm, or why there is none."""
    if beats.reason is not None:
        what = "No beat is used" if beats.found else "No beats"
        return f"<p><b>{what}:</b> {escape(NO_BEATS[beats.reason])}.</p>"
    used, found = len(beats.used), len(beats.found)
    parts = [f"{used} of {found} beats used"]
    if (ef := beats.mean_ef) is not None:
        parts.append(f"traced EF <b>{ef:.1f} %</b> on average")
    if used > 1 and beats.median_ef is not None and beats.spread is not None:
        parts.append(f"median {beats.median_ef:.1f} %, sd {beats.spread:.1f} EF points")
    if beats.index_ef is not None:
        parts.append(f"index beats {beats.index_ef:.1f} %")
    if beats.network_ef is not None:
        parts.append(f"the network’s EF of these beats <b>{beats.network_ef:.1f} %</b>")
    if beats.regular is not None:
        rate = 60000 / float(np.mean(beats.rr_ms))
        parts.append(f"{'regular' if beats.regular else 'irregular'}, {rate:.0f} beats/min")
    return f'<p class="means">{"; ".join(parts)}.</p><p class="soft small">{_how(beats)}</p>'


def _how(beats: Beats) -> str:
    if beats.rule == "published":
        return "The published rule finds end systoles alone, so there is no traced EF."
    volumes = "" if _spacing(beats) else "; the size of a pixel is unknown, so volumes are relative"
    return f"Traced EF: by 20 round discs in this one plane{volumes}."


def _table(beats: Beats, unit: str) -> str:
    size = "mL" if _spacing(beats) else "px³"
    # What a telephone shows without scrolling comes first.
    names = ["Beat", "Used", "Traced EF, %", "Network EF, %", "ED", "ES", "RR, ms"]
    names += [f"ED volume, {size}", f"ES volume, {size}"]
    rows = [_row(number, beat, unit) for number, beat in enumerate(beats.found, 1)]
    if len(rows) > _MOST_ROWS:
        rest = f"and {len(rows) - _MOST_ROWS} more, in the JSON form"
        rows[_MOST_ROWS:] = [[rest, *[""] * (len(names) - 1)]]
    return table(names, rows)


def _row(number: int, beat: Beat, unit: str) -> list[str]:
    index = ", index beat" if beat.index else ""
    return [
        str(number),
        f"yes{index}" if beat.unused is None else f"no: {UNUSED[beat.unused]}",
        _number(beat.traced_ef, 1),
        _number(beat.network_ef, 1),
        _when(beat.ed, unit),
        _when(beat.es, unit),
        _number(beat.rr_ms if unit == "seconds" else None, 0),
        _volume(beat.ed),
        _volume(beat.es),
    ]


def _when(moment: Moment | None, unit: str) -> str:
    if moment is None:
        return "–"
    return f"{moment.ms / 1000:.2f} s" if unit == "seconds" else f"frame {moment.frame}"


def _volume(moment: Moment | None) -> str:
    shape = moment.shape if moment else None
    if shape is None:
        return "–"
    return _number(shape.simpson if shape.simpson_ml is None else shape.simpson_ml, 0)


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def _spacing(beats: Beats) -> float | None:
    """Side of a pixel in mm, of any mask that was measured."""
    shapes = (m.shape for beat in beats.found for m in (beat.ed, beat.es) if m)
    return next((shape.spacing_mm for shape in shapes if shape), None)
