"""SVG plots for the page, with coordinates in percent so that text keeps its size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from edgeecho.tools.bench.compare import typical_ms
from edgeecho.tools.bench.run import BenchRun

_ROW = 46
"""Height in pixels of a series' row."""
_FOOT = 34
_TALL = 240
_TOP = 22


def draw_latency(run: BenchRun) -> str:
    """Draw every sample of `total` as a tick in its series' row, and the median as a longer one."""
    end = 1.05 * max(max(series.samples_ms["total"]) for series in run.series)
    if run.every_ms is not None:
        end = max(end, 1.1 * run.every_ms)
    parts = []
    for row, series in enumerate(run.series):
        top = row * _ROW
        parts.append(_text(0, top + 13, series.label))
        samples = series.samples_ms["total"]
        parts += [_bar("sample", 100 * ms / end, top + 20, top + 36) for ms in samples]
        parts.append(_bar("median", 100 * typical_ms(series) / end, top + 17, top + 39))
    height = len(run.series) * _ROW
    if run.every_ms is not None:
        parts.append(_bar("deadline", 100 * run.every_ms / end, 0, height))
    words = "; ".join(
        f"{s.label}: {min(s.samples_ms['total']):.1f} to {max(s.samples_ms['total']):.1f} ms, "
        f"median {typical_ms(s):.1f}"
        for s in run.series
    )
    return _svg(height + _FOOT, [*_steps(end, height, "ms"), *parts], words)


def draw_stages(run: BenchRun) -> str:
    """Draw a stacked bar of the stages' mean times for each series."""
    means = [{stage: _mean(s.samples_ms[stage]) for stage in s.stages} for s in run.series]
    end = 1.05 * max(sum(by_stage.values()) for by_stage in means)
    parts, words = [], []
    for row, (series, by_stage) in enumerate(zip(run.series, means, strict=True)):
        top, left = row * _ROW, 0.0
        parts.append(_text(0, top + 13, series.label))
        for stage, ms in by_stage.items():
            width = 100 * max(ms, 0) / end
            parts.append(
                f'<rect class="stage-{stage}" x="{left:.2f}%" y="{top + 20}" '
                f'width="{width:.2f}%" height="16"><title>{stage} {ms:.1f} ms</title></rect>'
            )
            left += width
        words.append(
            f"{series.label}: " + ", ".join(f"{k} {v:.1f} ms" for k, v in by_stage.items())
        )
    height = len(run.series) * _ROW
    return _svg(height + _FOOT, [*_steps(end, height, "ms"), *parts], "; ".join(words))


def draw_accuracy(run: BenchRun) -> str | None:
    """Draw mean absolute error against time; None if it was not measured with this clip mode."""
    points = [
        (series, entry)
        for series in run.series
        for entry in series.accuracy
        if entry["clips"] == run.clips
    ]
    if not points:
        return None
    end = 1.15 * max(typical_ms(series) for series, _ in points)
    most = 1.25 * max(_high(entry) for _, entry in points)
    height = _TOP + _TALL

    def y(mae: float) -> float:
        return height - _TALL * mae / most

    parts = [_text(0, 12, "mean absolute error, EF points")]
    for level in _round_steps(most):
        parts.append(
            f'<line class="grid" x1="0%" x2="100%" y1="{y(level):.1f}" y2="{y(level):.1f}"/>'
        )
        if level:
            parts.append(_text(0, y(level) - 3, f"{level:g}"))
    words = []
    for series, entry in points:
        x, mae = 100 * typical_ms(series) / end, float(entry["mae"])
        interval = entry["mae_interval"]
        if interval:
            parts.append(_bar("range", x, y(interval["high"]), y(interval["low"])))
        said = f"{series.label}: {mae:.2f} EF points, {typical_ms(series):.0f} ms"
        parts.append(
            f'<circle class="dot" cx="{x:.2f}%" cy="{y(mae):.1f}" r="5">'
            f"<title>{escape(said)}</title></circle>"
        )
        parts.append(_text(x, y(mae) - 10, series.label, "middle" if x > 20 else "start"))
        words.append(said)
    return _svg(height + _FOOT, [*_steps(end, height, "ms"), *parts], "; ".join(words))


def _high(entry: Mapping[str, Any]) -> float:
    interval = entry["mae_interval"]
    return float(interval["high"] if interval else entry["mae"])


def _mean(samples: Sequence[float]) -> float:
    return math.fsum(samples) / len(samples)


def _svg(height: int, parts: Iterable[str], words: str) -> str:
    return (
        f'<svg class="bench" height="{height}" role="img" aria-label="{escape(words)}">'
        f"{''.join(parts)}</svg>"
    )


def _steps(end: float, height: float, unit: str) -> list[str]:
    parts = []
    for value in _round_steps(end):
        x = 100 * value / end
        anchor = "start" if value == 0 else "middle"
        parts.append(_bar("grid", x, 0, height))
        parts.append(_text(x, height + 16, f"{value:g}", anchor))
    parts.append(_text(100, height + 32, unit, "end"))
    return parts


def _bar(name: str, x: float, top: float, bottom: float) -> str:
    return f'<line class="{name}" x1="{x:.2f}%" x2="{x:.2f}%" y1="{top:.1f}" y2="{bottom:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text class="tick {anchor}" x="{x:.2f}%" y="{y:.1f}">{escape(words)}</text>'


def _round_steps(end: float) -> list[float]:
    """About six round numbers from 0, the last one well before the end."""
    rough = end / 6
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    return [round(n * step, 9) for n in range(int(0.98 * end / step) + 1)]
