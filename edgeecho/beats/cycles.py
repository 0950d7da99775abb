"""End diastole and end systole of every beat, from the curve of areas.

No period is assumed: a beat is a fall of the area and a rise, as long as each may be.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeecho.beats.curve import AreaCurve, frames_in
from edgeecho.beats.peaks import Frames, find_peaks

# Systoles are further apart: 300 beats/min.
_APART_S = 0.2
# Least fall to end systole and rise after it, as a share of the curve's height. A beat that comes
# early fills and empties less than others.
_LEAST_FALL = 0.35
# At the end of a video a turn is seen if the curve has come back by this share of its height.
_TURNED = 0.15
# At its beginning, end diastole is seen if the area stayed large for that long, and fell as above.
_STAYED_S = 0.03
# Ejection: over so many seconds the area falls, by this share of the steepest such fall more than
# where it falls least in the time before, which noise may raise to that share. With an open mitral
# valve a mask may reach into the atrium: areas are largest too early, and fall when it closes, too.
_FALL_S, _FALLING, _BEFORE_S, _MOST_FLAT = 0.06, 0.1, 0.3, 0.12
# End systole is a plateau: areas that differ by no more than this share of the height belong to it,
# and half the noise beside it, up to as much again and a half. It is the last frame of them, before
# filling begins.
_PLATEAU, _NOISY = 0.02, 0.03
# A mask whose area is further from the smoothed curve, as a share of its height, is not chosen if
# there is a better one.
_SOUND = 0.1


@dataclass(frozen=True)
class Cycle:
    """One beat's frames; None where the video does not show them."""

    ed: int | None
    es: int | None


def find_cycles(curve: AreaCurve) -> tuple[Cycle, ...]:
    """Beats in order; only the first may lack its end diastole, only the last its end systole."""
    systoles = _lowest(curve)
    cycles = []
    for place, low in enumerate(systoles):
        begin = systoles[place - 1] if place else 0
        end = systoles[place + 1] if place + 1 < len(systoles) else len(curve.smooth) - 1
        ed, es = _diastole(curve, begin, low), _systole(curve, low, end)
        first, last = place == 0, place + 1 == len(systoles)
        cycles.append(
            Cycle(
                ed if not first or _stayed(curve, ed, low) else None,
                es if not last or _turned(curve, es) else None,
            )
        )
    if cycles and cycles[-1].es is not None:
        cycles.append(Cycle(_started(curve, systoles[-1]), None))
    return tuple(cycle for cycle in cycles if cycle != Cycle(None, None))


def _lowest(curve: AreaCurve) -> list[int]:
    """Frames of the smallest areas; beyond the ends of the video the area counts as large."""
    padded = np.pad(-curve.smooth, 1, constant_values=-np.inf)
    times = np.pad(curve.seconds, 1, mode="edge")
    found = find_peaks(padded, distance=_APART_S, prominence=_LEAST_FALL * curve.height, at=times)
    frames: list[int] = (found - 1).tolist()
    return frames


def _diastole(curve: AreaCurve, begin: int, low: int) -> int:
    """The last frame before ejection: back from the steepest fall, as long as the area falls."""
    top = begin + int(np.argmax(curve.smooth[begin : low + 1]))
    reach = frames_in(curve.seconds, _FALL_S)
    if low - top < reach:
        return top
    falls = curve.smooth[top : low + 1 - reach] - curve.smooth[top + reach : low + 1]
    steepest = int(np.argmax(falls))
    before = max(0, steepest - frames_in(curve.seconds, _BEFORE_S))
    most = falls[steepest]
    flat = float(np.clip(falls[before : steepest + 1].min(), 0, _MOST_FLAT * most))
    slow = np.flatnonzero(falls[:steepest] < flat + _FALLING * (most - flat))
    onset = top + (int(slow[-1]) + 1 if len(slow) else 0)
    near = curve.seconds[onset] - curve.seconds[begin : onset + 1] <= _STAYED_S
    return _last_sound(curve, begin + np.flatnonzero(near))


def _systole(curve: AreaCurve, low: int, end: int) -> int:
    areas = curve.smooth[low : end + 1]
    top = low + int(np.argmax(areas))
    height = curve.height
    most = curve.smooth[low] + _PLATEAU * height + min(curve.noise / 2, _NOISY * height)
    return _last_sound(curve, low + np.flatnonzero(curve.smooth[low : top + 1] <= most))


def _last_sound(curve: AreaCurve, plateau: Frames) -> int:
    """The last frame of a plateau whose own mask is not a bad one."""
    distances = curve.distances[plateau]
    sound = distances <= max(_SOUND * curve.height, distances.min())
    return int(plateau[sound][-1])


def _stayed(curve: AreaCurve, ed: int, low: int) -> bool:
    fall = curve.smooth[ed] - curve.smooth[low]
    large = np.flatnonzero(curve.smooth[: low + 1] >= curve.smooth[ed] - _PLATEAU * fall)
    stayed = curve.seconds[large[-1]] - curve.seconds[0] >= _STAYED_S
    return bool(stayed and fall > 0 and fall >= _LEAST_FALL * curve.height)


def _turned(curve: AreaCurve, es: int) -> bool:
    back = curve.smooth[es:].max() - curve.smooth[es]
    return bool(back >= _TURNED * curve.height)


def _started(curve: AreaCurve, low: int) -> int | None:
    """End diastole after the last systole, if the video shows that ejection has begun."""
    top = low + int(np.argmax(curve.smooth[low:]))
    end = top + int(np.argmin(curve.smooth[top:]))
    if curve.smooth[top] - curve.smooth[end] < _TURNED * curve.height:
        return None
    return _diastole(curve, low, end)
