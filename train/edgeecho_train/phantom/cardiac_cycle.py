"""The left ventricle's volume over time, beat by beat.

Systolic time intervals after Weissler, Harris and Schoenfeld, Circulation 1968;37:149 (men):
LVET = 413 - 1.7 HR ms, PEP = 131 - 0.4 HR ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

_IVRT_S = 0.075
_EARLY_FILLING_S = 0.18
_ATRIAL_S = 0.13
_PREMATURE = 0.7
"""RR interval of a premature beat relative to the mean; the pause after it is compensatory."""
_TOLERANCE = 1e-9

SHORTEST_RR_S = 0.4
"""Below this, the systolic intervals leave no time for filling."""


@dataclass(frozen=True)
class Rhythm:
    """The heart's rhythm during a clip."""

    heart_rate: float
    """Beats per minute."""
    rr_sd: float
    """Standard deviation of the RR interval, as a fraction of its mean."""
    kick: float
    """Fraction of the stroke volume filled by the atria; 0 in atrial fibrillation."""
    premature: float = 0.0
    """Probability of a premature beat, with a compensatory pause after it."""

    @property
    def longest_rr_s(self) -> float:
        """Upper bound of the RR intervals, whose draws are clipped at two standard deviations."""
        pause = 2 - _PREMATURE if self.premature else 1
        return 60 / self.heart_rate * pause * (1 + 2 * self.rr_sd)


@dataclass(frozen=True, eq=False)
class VolumeCurve:
    """Volume as a fraction of the end-diastolic volume; cosine steps between knots.

    Every beat goes 1 -> 1 - EF -> 1, with a plateau at either end (isovolumic contraction and
    relaxation) that is longer than a frame at 25 fps: sampled frames hit both volumes exactly.
    """

    knots_s: Floats
    knots: Floats

    def volume(self, time_s: ArrayLike) -> Floats:
        """Volume at times in s, in the shape of `time_s`."""
        start, step, x = self._segment(time_s)
        return np.asarray(self.knots[start] + step * (0.5 - 0.5 * np.cos(np.pi * x)))

    def rate(self, time_s: ArrayLike) -> Floats:
        """dV/dt in end-diastolic volumes per second; positive while the ventricle fills."""
        start, step, x = self._segment(time_s)
        duration = self.knots_s[start + 1] - self.knots_s[start]
        return np.asarray(step * 0.5 * np.pi * np.sin(np.pi * x) / duration)

    def _segment(self, time_s: ArrayLike) -> tuple[NDArray[np.intp], Floats, Floats]:
        time = np.asarray(time_s, np.float64)
        last = len(self.knots_s) - 2
        start = np.clip(np.searchsorted(self.knots_s, time, side="right") - 1, 0, last)
        duration = self.knots_s[start + 1] - self.knots_s[start]
        x = np.clip((time - self.knots_s[start]) / duration, 0, 1)
        return start, self.knots[start + 1] - self.knots[start], x


def draw_rr(rng: np.random.Generator, rhythm: Rhythm, duration_s: float) -> tuple[float, ...]:
    """RR intervals in s that cover `duration_s` from anywhere within the first beat."""
    intervals: list[float] = []
    mean = 60 / rhythm.heart_rate
    while sum(intervals[1:]) <= duration_s:
        early = rng.uniform() < rhythm.premature
        for part in (_PREMATURE, 2 - _PREMATURE) if early else (1.0,):
            deviation = float(np.clip(rng.standard_normal(), -2, 2)) * rhythm.rr_sd
            intervals.append(max(SHORTEST_RR_S, mean * part * (1 + deviation)))
    return tuple(intervals)


def volume_curve(rr_s: tuple[float, ...], ef: float, kick: float) -> VolumeCurve:
    """The curve over beats of lengths `rr_s`, from the first R wave on; `ef` is a fraction."""
    times: list[float] = []
    volumes: list[float] = []
    onset = 0.0
    for rr in rr_s:
        for time, emptied in _beat(rr, kick):
            times.append(onset + time)
            volumes.append(1 - ef * emptied)
        onset += rr
    return VolumeCurve(np.array([*times, onset]), np.array([*volumes, 1.0]))


def _beat(rr: float, kick: float) -> list[tuple[float, float]]:
    """Knots of a beat: time after the R wave in s, and share of the stroke volume ejected."""
    rate = 60 / rr
    pep = (131 - 0.4 * rate) / 1000
    ejection_end = pep + (413 - 1.7 * rate) / 1000
    filling = ejection_end + _IVRT_S
    diastole = rr - filling
    early = min(_EARLY_FILLING_S, 0.5 * diastole)
    atrial = min(_ATRIAL_S, 0.3 * diastole)
    # About 70 % of the stroke volume fills early; more without an atrial kick.
    left_after_early = 0.3 if kick else 0.2
    knots = [
        (0.0, 0.0),
        (pep, 0.0),
        (ejection_end, 1.0),
        (filling, 1.0),
        (filling + early, left_after_early),
    ]
    if kick:
        knots.append((rr - atrial, kick))
    return knots


def plateau_ends(rr: float, kick: float) -> tuple[float, float]:
    """When ejection and filling begin, in s after the R wave of a beat of `rr` s."""
    knots = _beat(rr, kick)
    return knots[1][0], knots[3][0]


def end_frames(volumes: Floats, ef: float) -> tuple[int, int]:
    """Indices of one end-diastolic and one end-systolic frame, of the same beat if possible.

    Each is the last frame of its plateau, where temporal smoothing has settled.
    """
    diastolic = _plateau_ends(volumes >= 1 - _TOLERANCE)
    systolic = _plateau_ends(volumes <= 1 - ef + _TOLERANCE)
    if not len(diastolic) or not len(systolic):
        raise ValueError("the frames miss end diastole or end systole")
    earlier = diastolic[diastolic < systolic[-1]]
    if not len(earlier):
        return int(diastolic[0]), int(systolic[0])
    return int(earlier[0]), int(systolic[systolic > earlier[0]][0])


def _plateau_ends(on_plateau: NDArray[np.bool_]) -> NDArray[np.intp]:
    following = np.append(on_plateau[1:], False)
    return np.flatnonzero(on_plateau & ~following)
