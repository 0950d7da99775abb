"""The rhythm of the heart and how far the left ventricle has emptied over time.

Phases of a beat from its R wave on: isovolumic contraction, ejection, isovolumic relaxation, early
filling, diastasis, atrial filling. Ejection and early filling approach their ends exponentially.
Their durations are drawn around the values of Chung, Karamanoglu and Kovacs, Am J Physiol Heart
Circ Physiol 2004;287:H2003, where systole shortens less than diastole as the rate rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHORTEST_RR_S = 0.42
_EARLY = 0.72
"""Ratio of a premature beat's RR interval to the mean; the pause after it is compensatory."""


@dataclass(frozen=True)
class Rhythm:
    """The rhythm of a whole video."""

    mean_rr_s: float
    variation: float
    """Standard deviation of the RR interval as a fraction of its mean; cut at two of them."""
    atrial: float
    """Share of the stroke volume filled by the atria; 0 in atrial fibrillation."""
    premature: float
    """Probability that a beat is premature."""
    systole: float
    """Duration of systole relative to an average heart."""

    @property
    def longest_rr_s(self) -> float:
        pause = 2 - _EARLY if self.premature else 1.0
        return self.mean_rr_s * pause * (1 + 2 * self.variation)


@dataclass(frozen=True)
class Beat:
    """One beat. Emptied shares: 0 is the largest volume of the video and 1 the smallest."""

    onset_s: float
    """Time of the R wave from that of the first beat."""
    rr_s: float
    begin: float
    """Emptied share at its end diastole."""
    end: float
    """Emptied share at its end systole."""


@dataclass(frozen=True, eq=False)
class Phases:
    """Ends of the phases of a beat, in s from its R wave."""

    contraction: float
    ejection: float
    relaxation: float
    early: float
    diastasis: float
    rr: float


def draw_rhythm(rng: np.random.Generator) -> Rhythm:
    """One in eight fibrillates, one in eight has premature beats."""
    kind = rng.uniform()
    fibrillates, premature = kind < 0.125, 0.125 <= kind < 0.25
    return Rhythm(
        mean_rr_s=60 / float(rng.uniform(48, 112)),
        variation=float(rng.uniform(0.12, 0.22) if fibrillates else rng.uniform(0.01, 0.05)),
        atrial=0.0 if fibrillates else float(rng.uniform(0.12, 0.35)),
        premature=0.2 if premature else 0.0,
        systole=float(rng.uniform(0.9, 1.1)),
    )


def draw_beats(rng: np.random.Generator, rhythm: Rhythm, duration_s: float) -> tuple[Beat, ...]:
    """Beats that cover `duration_s` from anywhere within the first one.

    After a short interval the ventricle has filled less and ejects less.
    """
    beats: list[Beat] = []
    onset, previous, covered = 0.0, rhythm.mean_rr_s, 0.0
    while covered <= duration_s:
        early = rng.uniform() < rhythm.premature
        for part in (_EARLY, 2 - _EARLY) if early else (1.0,):
            spread = float(np.clip(rng.standard_normal(), -2, 2)) * rhythm.variation
            rr = max(SHORTEST_RR_S, rhythm.mean_rr_s * part * (1 + spread))
            lack = float(np.clip(0.9 - previous / rhythm.mean_rr_s, 0, 0.3))
            beats.append(Beat(onset, rr, begin=0.6 * lack, end=1 - 0.8 * lack))
            onset, previous = onset + rr, rr
        covered = onset - beats[0].rr_s
    return tuple(beats)


def phases(rr_s: float, rhythm: Rhythm) -> Phases:
    """The isovolumic phases last longer than a frame at 25 frames/s, so that frames hit them."""
    contraction = 0.055 + 0.01 * rr_s
    ejection = contraction + rhythm.systole * 0.285 * math.sqrt(min(rr_s, 1.1))
    ejection = min(ejection, 0.52 * rr_s)
    relaxation = ejection + 0.065 + 0.015 * min(rr_s, 1)
    left = rr_s - relaxation
    early = relaxation + min(0.22, 0.55 * left)
    diastasis = rr_s - min(0.12, 0.3 * left)
    return Phases(contraction, ejection, relaxation, early, diastasis, rr_s)


def emptied(beats: tuple[Beat, ...], rhythm: Rhythm, times_s: Floats) -> Floats:
    """Emptied share `(T,)` at times in s from the first R wave."""
    onsets = np.array([beat.onset_s for beat in beats])
    which = np.clip(np.searchsorted(onsets, times_s, side="right") - 1, 0, len(beats) - 1)
    shares = np.empty_like(times_s)
    for index in np.unique(which).tolist():
        here, beat = which == index, beats[index]
        after = beats[index + 1].begin if index + 1 < len(beats) else 0.0
        shares[here] = _within(beat, after, rhythm, times_s[here] - beat.onset_s)
    return shares


def _within(beat: Beat, after: float, rhythm: Rhythm, time_s: Floats) -> Floats:
    """Emptied share within a beat, whose successor begins at share `after`."""
    phase = phases(beat.rr_s, rhythm)
    ejected = _approach(time_s, phase.contraction, phase.ejection, 2.2)
    filled = (1 - rhythm.atrial) * _approach(time_s, phase.relaxation, phase.early, 3.2)
    if rhythm.atrial:
        filled += rhythm.atrial * _approach(time_s, phase.diastasis, phase.rr, 1.5)
    share = beat.begin + (beat.end - beat.begin) * ejected
    return np.asarray(share + (after - share) * filled)


def _approach(time_s: Floats, start: float, stop: float, speed: float) -> Floats:
    """From 0 at `start` to exactly 1 at `stop`: a soft onset, then an exponential approach."""
    x = np.clip((time_s - start) / (stop - start), 0, 1)
    risen = -np.expm1(-speed * x * x / (x + 0.15)) / -math.expm1(-speed / 1.15)
    return np.asarray(np.where(x >= 1, 1.0, risen))
