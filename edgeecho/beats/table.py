"""What is known of each beat of a video, and of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgeecho.beats.curve import AreaCurve
from edgeecho.beats.published import ef_of
from edgeecho.beats.volumes import Shape

Rule = Literal["default", "published"]
Unused = Literal[
    "begins before the video",
    "ends after the video",
    "no mask",
    "mask at the sector's edge",
    "implausible volumes",
]
"""Why a beat is not used."""
NoBeats = Literal[
    "no mask",
    "still",
    "no beat",
    "no whole beat",
    "mask at the sector's edge",
    "implausible volumes",
]
"""Why a video has no beat that is used."""

# Two RR intervals before an index beat differ by at most this, in ms.
_INDEX_MS = 60.0
# A rhythm is regular if the standard deviation of its RR intervals is at most this share of their
# mean. Of 357 phantoms in sinus rhythm none had more; of 76 with premature beats or fibrillation,
# three in sixteen had less, most of them with few beats.
_REGULAR = 0.08


@dataclass(frozen=True)
class Moment:
    """The left ventricle in one frame: end diastole or end systole."""

    frame: int
    ms: float
    """Time of the frame."""
    shape: Shape | None
    """Area, long axis and volumes; None if the mask is empty."""
    components: int
    """Connected parts of the mask, of which the largest counts."""
    border: float
    """Share of the mask's outline on the edge of the sector, 0 to 1."""
    overlap: float | None
    """Dice coefficient with the mask of the next frame; None for the last frame."""


@dataclass(frozen=True)
class Beat:
    """One beat, from end diastole to end systole; its RR interval goes on to the next one."""

    ed: Moment | None
    """None if the video does not show it, or the published rule does not look for it."""
    es: Moment | None
    rr_ms: float | None
    """From this end diastole to the next one."""
    previous_rr_ms: float | None
    index: bool
    """The two RR intervals before it are known and differ by at most 60 ms."""
    unused: Unused | None
    """Why the beat is not used; None if it is."""
    network_ef: float | None = None
    """EF in % of the network's clip for this beat."""

    @property
    def traced_ef(self) -> float | None:
        """EF in % from the volumes of the discs."""
        return self._ef("simpson")

    @property
    def area_length_ef(self) -> float | None:
        """EF in % from the volumes by area and length."""
        return self._ef("area_length")

    def _ef(self, volume: Literal["simpson", "area_length"]) -> float | None:
        if not (self.ed and self.ed.shape and self.es and self.es.shape):
            return None
        small, large = getattr(self.es.shape, volume), getattr(self.ed.shape, volume)
        return float(100 * (1 - small / large))


@dataclass(frozen=True, eq=False)
class Beats:
    """The beats of a video in order, and what they say together; EFs in %."""

    rule: Rule
    curve: AreaCurve
    found: tuple[Beat, ...]
    reason: NoBeats | None
    """Why no beat is used; None if one is."""

    @property
    def used(self) -> tuple[Beat, ...]:
        return tuple(beat for beat in self.found if beat.unused is None)

    @property
    def mean_ef(self) -> float | None:
        """Mean traced EF of the beats that are used."""
        return float(np.mean(efs)) if (efs := self._efs()) else None

    @property
    def median_ef(self) -> float | None:
        return float(np.median(efs)) if (efs := self._efs()) else None

    @property
    def index_ef(self) -> float | None:
        """Mean traced EF of the index beats; in an irregular rhythm the one to take."""
        efs = self._efs(index=True)
        return float(np.mean(efs)) if efs else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of the traced EF between beats, in EF points; None for one beat."""
        efs = self._efs()
        return float(np.std(efs, ddof=1)) if len(efs) > 1 else None

    @property
    def network_ef(self) -> float | None:
        """Mean network EF of the beats that are used and have a clip: with the published rule the
        published EF."""
        efs = [beat.network_ef for beat in self.used if beat.network_ef is not None]
        return float(np.mean(efs)) if efs else None

    @property
    def rr_ms(self) -> tuple[float, ...]:
        """The RR intervals that are known."""
        return tuple(beat.rr_ms for beat in self.found if beat.rr_ms is not None)

    @property
    def regular(self) -> bool | None:
        """Whether the RR intervals are alike; None if fewer than two are known."""
        rr = self.rr_ms
        return bool(np.std(rr) <= _REGULAR * np.mean(rr)) if len(rr) > 1 else None

    def with_network(self, clip_efs: Mapping[int, float]) -> Beats:
        """The same with the network's EF of each beat, from those of all clips by first frame."""
        found = tuple(
            replace(beat, network_ef=ef_of(beat.es.frame, clip_efs)) if beat.es else beat
            for beat in self.found
        )
        return replace(self, found=found)

    def _efs(self, *, index: bool = False) -> list[float]:
        beats = (beat for beat in self.used if beat.index or not index)
        return [ef for beat in beats if (ef := beat.traced_ef) is not None]


def is_index(previous_ms: float | None, before_ms: float | None) -> bool:
    """Whether the two RR intervals before a beat make it an index beat."""
    if previous_ms is None or before_ms is None:
        return False
    return abs(previous_ms - before_ms) <= _INDEX_MS
