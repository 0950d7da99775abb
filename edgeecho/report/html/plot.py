"""Parts of the plots along the video: SVG in percent, so that text keeps its size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

TOP, BOTTOM = 24, 204
"""The axes' ends in pixels; labels lie beyond."""
HEIGHT = 242


def frame(levels: str, body: str, words: str, end: float, unit: str) -> str:
    """The plot around its content; the script moves its `cursor`.

    `levels` are the labels of the upright axis, `words` what it shows. Time goes from 0 to `end`.
    """
    ticks = "".join(
        f'<text class="tick middle" x="{100 * value / end:.2f}%" y="{BOTTOM + 17}">{value:g}</text>'
        for value in round_steps(0, end * 0.98, 6)
    )
    cursor = line("cursor", (0, 0), (TOP, BOTTOM))
    name = f'<text class="tick end" x="100%" y="{BOTTOM + 34}">{unit}</text>'
    return (
        f'<div class="plot"><svg height="{HEIGHT}" aria-hidden="true">{levels}</svg>'
        f'<svg class="curve" height="{HEIGHT}" role="img" aria-label="{words}" '
        f'data-end="{end:.6g}">{body}{ticks}{cursor}{name}</svg></div>'
    )


def line(name: str, x: tuple[float, float], y: tuple[float, ...]) -> str:
    """A line from `x` to `x` in percent, `y` to `y` in pixels."""
    return (
        f'<line class="{name}" x1="{x[0]:.2f}%" x2="{x[1]:.2f}%" y1="{y[0]:.1f}" y2="{y[1]:.1f}"/>'
    )


def polyline(name: str, points: Sequence[tuple[float, float]]) -> str:
    """Through `points`, x in percent, y in pixels."""
    text = " ".join(f"{x:.2f},{y:.1f}" for x, y in points)
    # Polylines take no percentages, so the inner svg stretches 100 units to the width.
    return (
        f'<svg viewBox="0 0 100 {HEIGHT}" preserveAspectRatio="none" width="100%" '
        f'height="{HEIGHT}"><polyline class="{name}" points="{text}"/></svg>'
    )


def round_steps(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers from `low` to `high`, multiples of their distance."""
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    first = math.ceil(low / step - 1e-9) * step
    return [float(value) for value in np.arange(first, high + step * 1e-9, step).round(6)]
