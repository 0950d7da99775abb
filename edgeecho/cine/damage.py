"""Finding missing frames: what a video's header claims against what was decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine.structure import Structure

# In a file with a constant frame time, a step longer than this multiple of it has lost a frame.
_GAP = 1.5
_EVEN_SHARE = 0.9
# A step longer than this multiple is not jitter of a camera or a browser: it skips part of a beat.
_PAUSE = 4
# In frames: a duration is rounded, and may or may not include the last frame.
_SPARE = 2


@dataclass(frozen=True)
class Claims:
    """What the container's header claims."""

    container: str
    codec: str
    height: int
    width: int
    fps: float | None
    frames: int | None
    """Frames in the container's index, if it has one; an MP4's grows while it is read."""
    duration_s: float | None
    """When the video ends, if the container states that for the video and not just for sound."""
    stamped: bool
    """Whether the frames have time stamps."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """What was decoded."""

    frames: NDArray[np.uint8]
    """`(T, H, W, 3)` RGB."""
    seconds: NDArray[np.float64]
    """`(T,)` time stamps in s; NaN where the file gives none."""
    deinterlaced: int
    """Number of frames that were made of two interlaced fields."""
    failed_between: int
    """Failures before the last good frame, in file order."""
    failed_after: int
    """Failures after the last good frame."""
    silent: int
    """Packets that gave neither a frame nor an error; VP8 hides some frames on purpose."""
    resized: int
    """Frames left out because their data are of another size."""
    broken: int
    """Frames left out because their data are truncated."""

    @property
    def count(self) -> int:
        """Number of usable frames."""
        return len(self.seconds)


def find_damage(
    decoded: Decoded, claims: Claims, structure: Structure, stamps: NDArray[np.float64]
) -> tuple[str, ...]:
    """Describe for the result what is missing. `stamps` is `(T,)` in s, NaN where unknown."""
    # If every claimed frame was decoded, none is missing, whatever sizes and time stamps suggest.
    if decoded.count >= (claims.frames or np.inf) and not structure.fragments:
        structure = Structure()
        gaps = ""
    else:
        gaps = ", ".join(f"{t:.2f} s" for t in _gaps(stamps))
    found = _of_claims(decoded, claims, structure, stamps)
    failed = decoded.failed_between or decoded.failed_after or decoded.silent
    # Uneven time stamps alone are no damage: cameras and browsers drop frames.
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
    """For an undamaged file, note the longest pause in its time stamps `(T,)`."""
    steps = np.diff(stamps)
    if not len(steps) or not np.isfinite(steps).all() or steps.max() <= _PAUSE * np.median(steps):
        return ()
    at = int(steps.argmax())
    return (
        f"uneven in time: no frame was recorded for {steps[at]:.2f} s after {stamps[at]:.2f} s",
    )


def count_missing(
    decoded: Decoded, claims: Claims, structure: Structure, stamps: NDArray[np.float64]
) -> int:
    """Number of claimed frames that were not decoded; `stamps` as for `find_damage`."""
    # By time: frames missing in the middle cannot be told from a low frame rate.
    damaged = structure.cut or structure.broken
    lost_s = _lost_s(decoded, claims, stamps, 0.5 if damaged else _SPARE)
    lost = round(lost_s / _step_s(claims, stamps))
    if claims.frames is not None:
        return max(lost, claims.frames - decoded.count)
    return max(lost, decoded.broken + decoded.resized)


def _end_s(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64]) -> float:
    # By the file's own clock, which need not be zero at the first frame.
    begin = decoded.seconds[0] if np.isfinite(decoded.seconds[0]) else 0.0
    return float(begin + stamps[-1]) + _step_s(claims, stamps)


def _lost_s(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64], spare: float) -> float:
    """Seconds by which the video ends too early; 0.0 for up to `spare` frames or if unknown."""
    if claims.duration_s is None:
        return 0.0
    lost = claims.duration_s - _end_s(decoded, claims, stamps)
    return lost if lost > spare * _step_s(claims, stamps) else 0.0


def _step_s(claims: Claims, stamps: NDArray[np.float64]) -> float:
    """The usual frame time in s; infinite if unknown."""
    steps = np.diff(stamps)
    usual = float(np.median(steps)) if len(steps) and np.isfinite(steps).all() else 0.0
    return max(usual, 1 / claims.fps if claims.fps else 0.0) or np.inf


def _gaps(stamps: NDArray[np.float64]) -> list[float]:
    """Times in s of the first three gaps, in a file with a constant frame rate."""
    steps = np.diff(stamps)
    if not len(steps) or not np.isfinite(steps).all():
        return []
    usual = np.median(steps)
    if np.mean(np.abs(steps - usual) < 0.1 * usual + 0.0015) < _EVEN_SHARE:
        return []
    return [float(stamps[i]) for i in np.flatnonzero(steps > _GAP * usual)[:3]]
