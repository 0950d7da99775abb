"""The beats of an answer in plain values and in words, as every format takes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edgeecho.beats import Beat, Beats, Moment
from edgeecho.report.reasons import NO_BEATS
from edgeecho.results import TracingFacts

Source = Sequence[int] | None
"""As of `edgeecho.results.TracingFacts`."""


def mean(values: Iterable[float | None]) -> float | None:
    """Mean of the values that are known; None if none is."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def volumes_ml(beats: Beats) -> tuple[float | None, float | None]:
    """Mean EDV and ESV in mL by discs of the beats that are used."""
    sizes = [
        (beat.ed.shape.simpson_ml, beat.es.shape.simpson_ml)
        for beat in beats.used
        if beat.ed and beat.ed.shape and beat.es and beat.es.shape
    ]
    return mean(ed for ed, _ in sizes), mean(es for _, es in sizes)


def area_length_ef(beats: Beats) -> float | None:
    """Mean traced EF in % by area and length of the beats that are used."""
    return mean(beat.area_length_ef for beat in beats.used)


def file_frame(moment: Moment, source: Source) -> int | None:
    """Number in the file, from 0, of the frame that a moment was measured in."""
    return None if source is None else source[moment.frame]


def to_values(beats: Beats, source: Source) -> dict[str, Any]:
    """What the beats say together, and a row for each; lengths also in pixels of the network."""
    return {
        "found": len(beats.found),
        "used": len(beats.used),
        "mean_ef": beats.mean_ef,
        "median_ef": beats.median_ef,
        "index_ef": beats.index_ef,
        "area_length_ef": area_length_ef(beats),
        "spread": beats.spread,
        "network_ef": beats.network_ef,
        "rr_ms": mean(beats.rr_ms),
        "regular": beats.regular,
        "table": [row_of(number, beat, source) for number, beat in enumerate(beats.found, 1)],
    }


def row_of(number: int, beat: Beat, source: Source) -> dict[str, Any]:
    """A row of the table; `number` counts the beats from 1."""
    traced, network = beat.traced_ef, beat.network_ef
    return {
        "number": number,
        "used": beat.unused is None,
        "unused": beat.unused,
        "index": beat.index,
        "rr_ms": beat.rr_ms,
        "previous_rr_ms": beat.previous_rr_ms,
        "traced_ef": traced,
        "area_length_ef": beat.area_length_ef,
        "network_ef": network,
        "difference": None if traced is None or network is None else traced - network,
        "ed": None if beat.ed is None else _moment(beat.ed, source),
        "es": None if beat.es is None else _moment(beat.es, source),
    }


def _moment(moment: Moment, source: Source) -> dict[str, Any]:
    shape = moment.shape
    return {
        "frame": moment.frame,
        "file_frame": file_frame(moment, source),
        "ms": moment.ms,
        "area_px2": shape and shape.area,
        "long_axis_px": shape and shape.long_axis,
        "discs_px3": shape and shape.simpson,
        "area_length_px3": shape and shape.area_length,
        "area_cm2": shape and shape.area_cm2,
        "long_axis_cm": shape and shape.long_axis_cm,
        "discs_ml": shape and shape.simpson_ml,
        "area_length_ml": shape and shape.area_length_ml,
        "components": moment.components,
        "border": moment.border,
        "overlap": moment.overlap,
    }


def no_beats(tracing: TracingFacts | None) -> str | None:
    """Why no beat is used, in words; it may stand beside a refusal."""
    return f"no beats: {NO_BEATS[tracing.reason]}" if tracing and tracing.reason else None


def in_words(beats: Beats) -> str:
    """One line: how many, what they say, or why there are none."""
    if beats.reason:
        return f"no beats: {NO_BEATS[beats.reason]}"
    parts = [f"beats: {len(beats.used)} used of {len(beats.found)}"]
    if beats.rule == "published":
        parts[0] += " by the published rule"
    if beats.mean_ef is not None:
        spread = "" if beats.spread is None else f" (spread {beats.spread:.1f})"
        parts.append(f"traced EF {beats.mean_ef:.1f} %{spread}")
    edv, esv = volumes_ml(beats)
    if edv is not None and esv is not None:
        parts.append(f"EDV {edv:.0f} ml, ESV {esv:.0f} ml")
    if (rr := mean(beats.rr_ms)) is not None:
        parts.append(f"RR {rr:.0f} ms")
    if beats.regular is not None:
        parts.append("regular" if beats.regular else "irregular")
    if beats.regular is False and beats.index_ef is not None:
        parts.append(f"index beats {beats.index_ef:.1f} %")
    line = ", ".join(parts)
    count = sum(beat.network_ef is not None for beat in beats.used)
    if beats.network_ef is not None:
        of = "" if count == len(beats.used) else f" ({count} of them)"
        line += f"; network EF by beat {beats.network_ef:.1f} %{of}"
    return line
