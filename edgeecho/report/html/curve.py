"""The EF of each clip along the video, as SVG in percent, so that text keeps its size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeecho.results import BANDS, Answer, Numbers

_TOP, _BOTTOM = 24, 204
"""The axes' ends in pixels; labels lie beyond."""
_HEIGHT = 242
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
    """Highlights clip number `middle` (from 0). The script moves the `cursor`."""
    efs, axis = numbers.clip_efs, _Axis.of(numbers)
    ys = [axis.y(ef) for ef in efs]
    xs = [50 * (begin + end) / spans.end for begin, end in spans.clips]
    areas, names = _bands(axis)
    parts = areas + [_line("grid", (0, 100), (axis.y(level),) * 2) for level in axis.levels]
    parts.append(_line("mean", (0, 100), (axis.y(numbers.ef),) * 2))
    parts += [
        f'<text class="tick middle" x="{100 * value / spans.end:.2f}%" y="{_BOTTOM + 17}">'
        f"{value:g}</text>"
        for value in _round_steps(spans.end)
    ]
    parts.append(_polyline(xs, ys))
    if len(efs) <= _MOST_DOTS:
        parts += [_clip(i, xs[i], ys[i], efs[i], spans, i == middle) for i in range(len(efs))]
    parts += [*names, _line("cursor", (0, 0), (_TOP, _BOTTOM))]
    parts.append(f'<text class="tick end" x="100%" y="{_BOTTOM + 34}">{spans.unit}</text>')
    words = (
        f"EF of {len(efs)} clips along the video in {spans.unit}: "
        f"{min(efs):.1f} to {max(efs):.1f} %, mean {numbers.ef:.1f} %"
    )
    return (
        f'<div class="plot"><svg height="{_HEIGHT}" aria-hidden="true">{axis.numbers()}</svg>'
        f'<svg class="curve" height="{_HEIGHT}" role="img" aria-label="{words}" '
        f'data-end="{spans.end:.6g}">{"".join(parts)}</svg></div>'
    )


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
        return _TOP + (_BOTTOM - _TOP) * (self.high - ef) / (self.high - self.low)

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
    bar = _line(f"span{mark}", (100 * begin / spans.end, 100 * end / spans.end), (y, y))
    return (
        f"<g><title>clip {number + 1}: {begin:.4g} to {end:.4g} {spans.unit}, EF {ef:.1f} %"
        f'</title>{bar}<circle class="dot{mark}" cx="{x:.2f}%" cy="{y:.1f}" r="4.5"/></g>'
    )


def _line(name: str, x: tuple[float, float], y: tuple[float, ...]) -> str:
    return (
        f'<line class="{name}" x1="{x[0]:.2f}%" x2="{x[1]:.2f}%" y1="{y[0]:.1f}" y2="{y[1]:.1f}"/>'
    )


def _polyline(xs: list[float], ys: list[float]) -> str:
    points = " ".join(f"{x:.2f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    # Polylines take no percentages, so the inner svg stretches 100 units to the width.
    return (
        f'<svg viewBox="0 0 100 {_HEIGHT}" preserveAspectRatio="none" width="100%" '
        f'height="{_HEIGHT}"><polyline class="trend" points="{points}"/></svg>'
    )


def _round_steps(end: float) -> list[float]:
    """About six round numbers from 0, the last one at a distance from the end."""
    rough = end / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [float(value) for value in np.arange(0, end * 0.98, step).round(6)]
