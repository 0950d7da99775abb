"""From masks to the table of beats."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgeecho.beats.curve import AreaCurve, Floats, curve_of
from edgeecho.beats.cycles import Cycle, find_cycles
from edgeecho.beats.published import sizes_of, systoles
from edgeecho.beats.quality import Mask, border_contact, largest_parts, overlap
from edgeecho.beats.table import Beat, Beats, Moment, NoBeats, Rule, Unused, is_index
from edgeecho.beats.volumes import base_direction, shape_of

# Share of empty masks above which a video has none, and a beat from end diastole to end systole.
_MOST_EMPTY, _MOST_EMPTY_IN_BEAT = 0.5, 0.2
# Share of a mask's outline on the sector's edge above which its volume cannot be known.
_MOST_BORDER = 0.2
# Share of the volume that a beat may empty. No heart empties more, and an axis that is not the
# ventricle's gives any number.
_MOST_EMPTIED = 0.9


def beats_of(
    masks: Mask | NDArray[np.floating],
    seconds: ArrayLike,
    *,
    spacing_mm: float | None = None,
    sector: Mask | None = None,
    rule: Rule = "default",
) -> Beats:
    """The beats of a video from the left ventricle's mask in every frame.

    `masks` `(T, H, W)` are bool, or a network's logits, whose positive pixels count. `seconds`
    `(T,)` are the times of the frames and increase. `spacing_mm` is the side of a pixel; without it
    there are no cm and mL. `sector` `(H, W)` is true where the picture is, by default everywhere.
    """
    filled = np.asarray(masks > 0)
    times = np.asarray(seconds, np.float64)
    if filled.ndim != 3 or times.shape != filled.shape[:1] or np.any(np.diff(times) <= 0):
        raise ValueError("masks must be (T, H, W), with T times that increase")
    parts, counts = largest_parts(filled)
    picture = np.ones(filled.shape[1:], bool) if sector is None else sector
    frames = _Frames(parts, counts, times, picture, spacing_mm, base_direction(parts))
    if rule == "published":
        return _published(frames, sizes_of(filled))
    return _ours(frames)


@dataclass(frozen=True, eq=False)
class _Frames:
    """What every frame shows."""

    masks: Mask
    components: NDArray[np.int64]
    seconds: Floats
    sector: Mask
    spacing_mm: float | None
    towards: float | None
    """Where the mitral plane is; see `base_direction`."""

    def moment(self, frame: int | None) -> Moment | None:
        if frame is None:
            return None
        mask = self.masks[frame]
        following = self.masks[frame + 1 : frame + 2]
        return Moment(
            frame=frame,
            ms=float(1000 * self.seconds[frame]),
            shape=shape_of(mask, self.spacing_mm, self.towards) if mask.any() else None,
            components=int(self.components[frame]),
            border=border_contact(mask, self.sector),
            overlap=overlap(mask, following[0]) if len(following) else None,
        )


def _published(frames: _Frames, sizes: NDArray[np.int64]) -> Beats:
    areas = sizes.astype(np.float64)
    found = tuple(
        Beat(None, frames.moment(frame), None, None, index=False, unused=None)
        for frame in systoles(sizes).tolist()
    )
    curve = AreaCurve(frames.seconds, areas, areas)
    return Beats("published", curve, found, None if found else "no beat")


def _ours(frames: _Frames) -> Beats:
    sizes = sizes_of(frames.masks).astype(np.float64)
    curve = curve_of(np.where(sizes > 0, sizes, np.nan), frames.seconds)
    if not len(sizes) or np.mean(sizes == 0) > _MOST_EMPTY:
        return Beats("default", curve, (), "no mask")
    if curve.still:
        return Beats("default", curve, (), "still")
    cycles = () if curve.jumps else find_cycles(curve)
    found = _rows(cycles, frames, sizes)
    return Beats("default", curve, found, _reason(found))


def _rows(cycles: tuple[Cycle, ...], frames: _Frames, sizes: Floats) -> tuple[Beat, ...]:
    starts = [None if cycle.ed is None else 1000 * frames.seconds[cycle.ed] for cycle in cycles]
    rows: list[Beat] = []
    for place, cycle in enumerate(cycles):
        here, after = starts[place], starts[place + 1] if place + 1 < len(cycles) else None
        before = rows[-1] if rows else None
        previous = before.rr_ms if before else None
        ed, es = frames.moment(cycle.ed), frames.moment(cycle.es)
        rows.append(
            Beat(
                ed=ed,
                es=es,
                rr_ms=None if here is None or after is None else float(after - here),
                previous_rr_ms=previous,
                index=is_index(previous, before.previous_rr_ms if before else None),
                unused=_unused(ed, es, sizes),
            )
        )
    return tuple(rows)


def _unused(ed: Moment | None, es: Moment | None, sizes: Floats) -> Unused | None:
    if ed is None:
        return "begins before the video"
    if es is None:
        return "ends after the video"
    empty = np.mean(sizes[ed.frame : es.frame + 1] == 0)
    if ed.shape is None or es.shape is None or empty > _MOST_EMPTY_IN_BEAT:
        return "no mask"
    if max(ed.border, es.border) > _MOST_BORDER:
        return "mask at the sector's edge"
    if not 0 < 1 - es.shape.simpson / ed.shape.simpson <= _MOST_EMPTIED:
        return "implausible volumes"
    return None


def _reason(found: tuple[Beat, ...]) -> NoBeats | None:
    if not found:
        return "no beat"
    if any(beat.unused is None for beat in found):
        return None
    faults = Counter(beat.unused for beat in found if beat.ed and beat.es)
    if not faults:
        return "no whole beat"
    # A beat that is whole has no other fault than those of a video.
    return cast(NoBeats, faults.most_common(1)[0][0])
