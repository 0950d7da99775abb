"""What a video claims against what was decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.structure import Structure

# A step this much longer than the usual one has lost a frame, in a file whose steps are even.
_GAP = 1.5
_EVEN_SHARE = 0.9
# From here on a step is no jitter of a camera or a browser: it skips a part of a beat.
_PAUSE = 4
# Frames: a duration may count the last one or not, and is rounded.
_SPARE = 2


@dataclass(frozen=True)
class Claims:
    """What the container's header says."""

    container: str
    codec: str
    height: int
    width: int
    fps: float | None
    frames: int | None
    """What its lists name, where it has such lists; those of an MP4 grow while it is read."""
    duration_s: float | None
    """When the pictures end, where it says so of them and not of its sound."""
    stamped: bool
    """Whether its frames have time stamps."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What was really there."""

    frames: NDArray[np.uint8]
    """`(T, H, W, 3)` RGB."""
    seconds: NDArray[np.float64]
    """`(T,)` time stamps; NaN where the file gives none."""
    deinterlaced: int
    """So many pictures were made of two fields."""
    failed_between: int
    """Failures that were followed by a good frame, in the order of the file."""
    failed_after: int
    """Failures behind the last good frame."""
    silent: int
    """Packets of which the decoder gave no picture and no error; VP8 hides some on purpose."""
    resized: int
    """Frames that were left out, since their data are of another size."""
    broken: int
    """Frames that were left out, since their data are cut short."""

    @property
    def count(self) -> int:
        """Frames that can be used."""
        return len(self.seconds)


def find_damage(
    decoded: Decoded, claims: Claims, structure: Structure, stamps: NDArray[np.float64]
) -> tuple[str, ...]:
    """What is missing, in words for the result; `stamps` `(T,)` in s, or NaN."""
    # Then no frame is missing, whatever its sizes and its times say.
    if decoded.count >= (claims.frames or np.inf) and not structure.fragments:
        structure = Structure()
        gaps = ""
    else:
        gaps = ", ".join(f"{t:.2f} s" for t in _gaps(stamps))
    found = _of_claims(decoded, claims, structure, stamps)
    failed = decoded.failed_between or decoded.failed_after or decoded.silent
    # Of themselves uneven times are no damage: cameras and browsers drop frames.
    if gaps and (found or failed or structure.broken):
        found.append(f"frames are missing after {gaps}")
        gaps = ""
    elif decoded.failed_between:
        found.append("frames in the middle could not be decoded: times after them may be wrong")
    elif structure.broken:
        found.append("a part of the file cannot be read: frames may be missing there")
    if decoded.failed_after and not found:
        found.append("frames at the end could not be decoded")
    if claims.container == "other":
        where = f" (perhaps after {gaps})" if gaps else ""
        found.append(
            f"this kind of file ({claims.codec}) does not say how many frames it holds: "
            f"if some are missing{where}, nobody can know"
        )
    return tuple(found)


def _of_claims(
    decoded: Decoded, claims: Claims, structure: Structure, stamps: NDArray[np.float64]
) -> list[str]:
    found = []
    if structure.cut:
        found.append("the file is cut short")
    if claims.frames is not None and decoded.count < claims.frames:
        found.append(f"{claims.frames} frames claimed, {decoded.count} decoded")
    if _lost_s(decoded, claims, stamps, _SPARE):
        end = _end_s(decoded, claims, stamps)
        found.append(f"{claims.duration_s:.2f} s claimed, frames end at {end:.2f} s")
    if decoded.broken:
        found.append(f"frames left out because their data are cut short: {decoded.broken}")
    if decoded.resized:
        found.append(f"frames left out because they are of another size: {decoded.resized}")
    return found


def note_pause(stamps: NDArray[np.float64]) -> tuple[str, ...]:
    """Of a file in which nothing is missing: where its writer left out frames; `stamps` `(T,)`."""
    steps = np.diff(stamps)
    if len(steps) < 2 or not np.isfinite(steps).all() or steps.max() <= _PAUSE * np.median(steps):
        return ()
    at = int(steps.argmax())
    return (
        f"uneven in time: no frame was recorded for {steps[at]:.2f} s after {stamps[at]:.2f} s",
    )


def count_missing(
    decoded: Decoded, claims: Claims, structure: Structure, stamps: NDArray[np.float64]
) -> int:
    """Frames that the file claims and that were not decoded; `stamps` as for `find_damage`."""
    # By the clock: frames that are missing in the middle are not told from a low rate.
    damaged = structure.cut or structure.broken
    lost_s = _lost_s(decoded, claims, stamps, 0.5 if damaged else _SPARE)
    lost = round(lost_s / _step_s(claims, stamps))
    if claims.frames is not None:
        return max(lost, claims.frames - decoded.count)
    return max(lost, decoded.broken + decoded.resized)


def _end_s(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64]) -> float:
    # By the file's own clock, which need not be at zero when the pictures begin.
    begin = decoded.seconds[0] if np.isfinite(decoded.seconds[0]) else 0.0
    return float(begin + stamps[-1]) + _step_s(claims, stamps)


def _lost_s(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64], spare: float) -> float:
    """By how much the pictures end too early; 0.0 up to `spare` frames, and where unknown."""
    if claims.duration_s is None:
        return 0.0
    lost = claims.duration_s - _end_s(decoded, claims, stamps)
    return lost if lost > spare * _step_s(claims, stamps) else 0.0


def _step_s(claims: Claims, stamps: NDArray[np.float64]) -> float:
    """The usual time from frame to frame."""
    steps = np.diff(stamps)
    usual = float(np.median(steps)) if len(steps) and np.isfinite(steps).all() else 0.0
    return max(usual, 1 / claims.fps if claims.fps else 0.0) or np.inf


def _gaps(stamps: NDArray[np.float64]) -> list[float]:
    """Where frames are missing in a file of constant rate, in s; the first three."""
    steps = np.diff(stamps)
    if len(steps) < 2 or not np.isfinite(steps).all():
        return []
    usual = np.median(steps)
    if np.mean(np.abs(steps - usual) < 0.1 * usual + 0.0015) < _EVEN_SHARE:
        return []
    return [float(stamps[i]) for i in np.flatnonzero(steps > _GAP * usual)[:3]]
