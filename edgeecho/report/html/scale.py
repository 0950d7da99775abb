"""An EF among the clinical bands. SVG measured in percent, so that text keeps its size."""

from __future__ import annotations

from edgeecho.estimation import EFEstimate

BANDS = (
    (0, 40, "low", "reduced"),
    (40, 50, "mid", "mildly reduced"),
    (50, 100, "high", "preserved"),
)
"""Of the heart-failure guidelines: <= 40 reduced, > 40 and < 50 mildly reduced, >= 50 preserved."""


def draw_scale(answer: EFEstimate, *, labelled: bool = False) -> str:
    """0 to 100 % with the bands, the range over clips and the EF's place; numbers below it."""
    low, high = min(answer.clip_efs), max(answer.clip_efs)
    left, right = _place(low), _place(high)
    parts = [
        *(
            f'<rect class="band-{name}" x="{a}%" y="12" width="{b - a}%" height="16"/>'
            for a, b, name, _ in BANDS
        ),
        f'<rect class="range" x="{left:.2f}%" y="18" width="{right - left:.2f}%" height="4"/>',
        # Paths know no percent: the inner svg carries it to its place.
        f'<svg x="{_place(answer.ef):.2f}%"><path class="marker" d="M-6,2 H6 L0,11 Z"/>'
        '<path class="stem" d="M0,10 V31"/></svg>',
    ]
    if labelled:
        parts += [
            f'<text class="tick {anchor}" x="{value}%" y="46">{value}</text>'
            for value, anchor in ((0, "start"), (40, "middle"), (50, "middle"), (100, "end"))
        ]
    words = f"EF {answer.ef:.1f} % on a scale from 0 to 100 %, clips from {low:.1f} to {high:.1f} %"
    return (
        f'<svg class="scale" height="{50 if labelled else 34}" role="img" aria-label="{words}">'
        f"{''.join(parts)}</svg>"
    )


def _place(ef: float) -> float:
    return min(max(ef, 0.0), 100.0)
