"""The EF of each clip along the video, as SVG in percent, so that text keeps its size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeecho.report.html.plot import BOTTOM, TOP, frame, line, polyline
from edgeecho.results import BANDS, Answer, Numbers

# A smaller range in EF points would make a small spread look large.
_LEAST_RANGE = 20
# With more clips bars and dots would overlap; the line stays.
_MOST_DOTS = 60


@dataclass(frozen=True)
class Spans:
    """Begin and end of each clip."""

    clips: tuple[tuple[float, float], ...]
    """First and last frame."""
    end: float
    """The end of the video or, if it is padded, of its last clip."""
    unit: str
    """`seconds`, or `frames` if the frame rate is unknown."""

    @classmethod
    def of(cls, answer: Answer, total: int) -> Spans:
        """`total`: frames of the video at the model's time base."""
        window = answer.model.preprocess.window
        starts: tuple[float, ...] = answer.clip_starts
        step, unit = 1.0, "frames"
        if answer.clip_times_s is not None and answer.video.clip_s is not None:
            starts, step, unit = answer.clip_times_s, answer.video.clip_s / window, "seconds"
        clips = tuple((start, start + (window - 1) * step) for start in starts)
        return cls(clips, max(clips[-1][1], (total - 1) * step), unit)


def draw_curve(numbers: Numbers, spans: Spans, middle: int) -> str:
    """Highlights clip number `middle` (from 0)."""
    efs, axis = numbers.clip_efs, _Axis.of(numbers)
    ys = [axis.y(ef) for ef in efs]
    xs = [50 * (begin + end) / spans.end for begin, end in spans.clips]
    areas, names = _bands(axis)
    parts = areas + [line("grid", (0, 100), (axis.y(level),) * 2) for level in axis.levels]
    parts.append(line("mean", (0, 100), (axis.y(numbers.ef),) * 2))
    parts.append(polyline("trend", list(zip(xs, ys, strict=True))))
    if len(efs) <= _MOST_DOTS:
        parts += [_clip(i, xs[i], ys[i], efs[i], spans, i == middle) for i in range(len(efs))]
    parts += names
    words = (
        f"EF of {len(efs)} clips along the video in {spans.unit}: "
        f"{min(efs):.1f} to {max(efs):.1f} %, mean {numbers.ef:.1f} %"
    )
    return frame(axis.numbers(), "".join(parts), words, spans.end, spans.unit)


@dataclass(frozen=True)
class _Axis:
    low: int
    high: int

    @classmethod
    def of(cls, numbers: Numbers) -> _Axis:
        """An axis of whole tens around the clips, at least `_LEAST_RANGE` long."""
        low = math.floor((min(numbers.clip_efs) - 2) / 10) * 10
        high = math.ceil((max(numbers.clip_efs) + 2) / 10) * 10
        while high - low < _LEAST_RANGE:
            upwards = high - numbers.ef < numbers.ef - low
            low, high = (low, high + 10) if upwards else (low - 10, high)
        return cls(low, high)

    @property
    def levels(self) -> range:
        return range(self.low, self.high + 1, 5 if self.high - self.low <= 30 else 10)

    def y(self, ef: float) -> float:
        return TOP + (BOTTOM - TOP) * (self.high - ef) / (self.high - self.low)

    def numbers(self) -> str:
        texts = [
            f'<text class="tick end" x="100%" y="{self.y(level) + 4:.1f}">{level}</text>'
            for level in self.levels
        ]
        return '<text class="tick" x="0" y="10">EF, %</text>' + "".join(texts)


def _bands(axis: _Axis) -> tuple[list[str], list[str]]:
    """The bands' areas, for the background, and their names, for the foreground."""
    areas, names = [], []
    for a, b, name, words in BANDS:
        top, bottom = axis.y(min(b, axis.high)), axis.y(max(a, axis.low))
        if bottom > top:
            area = f'width="100%" y="{top:.1f}" height="{bottom - top:.1f}"'
            areas.append(f'<rect class="band-{name}" {area}/>')
            names.append(f'<text class="tick band end" x="99%" y="{top + 15:.1f}">{words}</text>')
    return areas, names


def _clip(number: int, x: float, y: float, ef: float, spans: Spans, chosen: bool) -> str:
    begin, end = spans.clips[number]
    mark = " chosen" if chosen else ""
    bar = line(f"span{mark}", (100 * begin / spans.end, 100 * end / spans.end), (y, y))
    return (
        f"<g><title>clip {number + 1}: {begin:.4g} to {end:.4g} {spans.unit}, EF {ef:.1f} %"
        f'</title>{bar}<circle class="dot{mark}" cx="{x:.2f}%" cy="{y:.1f}" r="4.5"/></g>'
    )
