"""Which beat to show, where not all can be."""

from __future__ import annotations

import math

from edgeecho.beats import Beat, Beats


def typical_first(beats: Beats) -> tuple[int, ...]:
    """Numbers in `beats.found`, from 0: first the beats that are used, index beats before others
    and those with a traced EF near the median before those further off; then the rest of those
    whose end diastole and end systole are known.
    """
    median = beats.median_ef

    def order(number: int) -> tuple[bool, bool, float]:
        beat = beats.found[number]
        ef = beat.traced_ef
        far = math.inf if ef is None or median is None else abs(ef - median)
        return beat.unused is not None, not beat.index, far

    shown = [n for n, beat in enumerate(beats.found) if beat.unused is None or _whole(beat)]
    return tuple(sorted(shown, key=order))


def frames_of(beat: Beat) -> tuple[int, ...]:
    """End diastole and end systole, as far as they are known."""
    return tuple(moment.frame for moment in (beat.ed, beat.es) if moment is not None)


def _whole(beat: Beat) -> bool:
    return len(frames_of(beat)) == 2
