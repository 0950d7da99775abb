"""The area of the left ventricle along the video, with its beats, as SVG."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from edgeecho.beats import Beat, Beats
from edgeecho.report.html.plot import BOTTOM, TOP, frame, line, polyline, round_steps
from edgeecho.report.reasons import UNUSED

# A smaller range, as a share of the largest area, would make noise look like beats.
_LEAST_RANGE = 0.2
# Room, as shares of the range.
_BELOW, _ABOVE = 0.25, 0.1
# With more of them numbers overlap.
_MOST_NUMBERS = 12


def draw_areas(beats: Beats, end: float, unit: str, spacing_mm: float | None) -> str:
    """From 0 to `end` seconds or frames, see `unit`; nothing where no mask is."""
    curve = beats.curve
    if not np.isfinite(curve.smooth).any():
        return ""
    scale, size = (1.0, "pixels") if spacing_mm is None else (spacing_mm**2 / 100, "cm²")
    axis = _Axis.of(float(curve.smooth.max()) * scale, float(curve.smooth.min()) * scale)
    end = max(end, float(curve.seconds[-1]))
    xs = [100 * t / end for t in curve.seconds.tolist()]

    def at(number: int) -> tuple[float, float]:
        return xs[number], axis.y(scale * curve.smooth[number])

    parts = [line("grid", (0, 100), (axis.y(level),) * 2) for level in axis.levels]
    parts.append(polyline("traced", _inside(xs, scale * curve.areas, axis)))
    parts.append(polyline("trend", [at(number) for number in range(len(xs))]))
    for number, beat in enumerate(beats.found, 1):
        if beats.rule == "default":  # the published one does not say where a beat begins
            parts.append(_bar(number, beat, end, numbered=len(beats.found) <= _MOST_NUMBERS))
        for moment, name in ((beat.ed, "ed"), (beat.es, "es")):
            if moment is not None:
                x, y = at(moment.frame)
                parts.append(f'<circle class="dot {name}" cx="{x:.2f}%" cy="{y:.1f}" r="4.5"/>')
    words = (
        f"Area of the left ventricle along the video in {unit}: {axis.smallest:.3g} to "
        f"{axis.largest:.3g} {size}, {len(beats.found)} beats found, {len(beats.used)} used"
    )
    return frame(axis.numbers(size), "".join(parts), words, end, unit)


class _Axis:
    def __init__(self, low: float, high: float, smallest: float, largest: float) -> None:
        self.low, self.high = low, high
        self.smallest, self.largest = smallest, largest
        self.levels = round_steps(max(low, 0.0), high, 5)

    @classmethod
    def of(cls, largest: float, smallest: float) -> _Axis:
        low = min(smallest, largest * (1 - _LEAST_RANGE))
        height = largest - low
        # Below the curve is room for the beats and their numbers.
        return cls(low - _BELOW * height, largest + _ABOVE * height, smallest, largest)

    def y(self, area: float) -> float:
        return TOP + (BOTTOM - TOP) * (self.high - area) / (self.high - self.low)

    def numbers(self, size: str) -> str:
        texts = [
            f'<text class="tick end" x="100%" y="{self.y(level) + 4:.1f}">{level:g}</text>'
            for level in self.levels
        ]
        return f'<text class="tick" x="0" y="10">Area, {size}</text>' + "".join(texts)


def _inside(xs: list[float], areas: np.ndarray, axis: _Axis) -> list[tuple[float, float]]:
    """The areas as traced; what is beyond the axis goes along its edge."""
    ys = np.clip([axis.y(area) for area in areas.tolist()], TOP, BOTTOM).tolist()
    return [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(y)]


def _bar(number: int, beat: Beat, end: float, *, numbered: bool) -> str:
    """A beat from ED to the next ED, or as much of it as the video shows."""
    unused = beat.unused is not None
    words = f"beat {number}: " + (f"not used, {UNUSED[beat.unused]}" if beat.unused else "used")
    first, last = _reach(beat, end)
    y = BOTTOM - 6
    x = 100 * first / end, 100 * last / end - 0.4  # a gap to the next one
    text = f'<text class="tick middle" x="{(x[0] + x[1]) / 2:.2f}%" y="{y - 6}">{number}</text>'
    return (
        f"<g><title>{escape(words)}</title>{line('beat unused' if unused else 'beat', x, (y, y))}"
        f"{text if numbered else ''}</g>"
    )


def _reach(beat: Beat, end: float) -> tuple[float, float]:
    if beat.ed is None or beat.es is None:
        return (0.0 if beat.ed is None else beat.ed.ms / 1000), (
            end if beat.es is None else beat.es.ms / 1000
        )
    first = beat.ed.ms / 1000
    return first, beat.es.ms / 1000 if beat.rr_ms is None else first + beat.rr_ms / 1000
