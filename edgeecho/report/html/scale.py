"""An EF among the clinical bands, as SVG in percent, so that text keeps its size."""

from __future__ import annotations

from edgeecho.results import BANDS, Numbers


def draw_scale(numbers: Numbers, *, labelled: bool = False) -> str:
    """0 to 100 % with the bands, the EF and its interval; numbers below it.

    Without an interval, the range over clips is drawn.
    """
    if interval := numbers.interval:
        low, high = interval.low, interval.high
        words = f"{100 * interval.level:g} % interval from {low:.1f} to {high:.1f} %"
    else:
        low, high = min(numbers.clip_efs), max(numbers.clip_efs)
        words = f"clips from {low:.1f} to {high:.1f} %"
    left, right = _place(low), _place(high)
    parts = [
        *(
            f'<rect class="band-{name}" x="{a}%" y="12" width="{b - a}%" height="16"/>'
            for a, b, name, _ in BANDS
        ),
        f'<rect class="range" x="{left:.2f}%" y="18" width="{right - left:.2f}%" height="4"/>',
        *(_end(place) for place in (left, right) if interval),
        # Paths take no percentages, so an inner svg places it.
        f'<svg x="{_place(numbers.ef):.2f}%"><path class="marker" d="M-6,2 H6 L0,11 Z"/>'
        '<path class="stem" d="M0,10 V31"/></svg>',
    ]
    if labelled:
        parts += [
            f'<text class="tick {anchor}" x="{value}%" y="46">{value}</text>'
            for value, anchor in ((0, "start"), (40, "middle"), (50, "middle"), (100, "end"))
        ]
    words = f"EF {numbers.ef:.1f} % on a scale from 0 to 100 %, {words}"
    return (
        f'<svg class="scale" height="{50 if labelled else 34}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )


def _end(place: float) -> str:
    return f'<line class="end-of-interval" x1="{place:.2f}%" x2="{place:.2f}%" y1="13" y2="27"/>'


def _place(ef: float) -> float:
    return min(max(ef, 0.0), 100.0)
