"""What a video claims against what was decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A step this much longer than the usual one has lost a frame, in a file whose steps are even.
_GAP = 1.5
_EVEN_SHARE = 0.9


@dataclass(frozen=True)
class Claims:
    """What the container's header says."""

    container: str
    codec: str
    height: int
    width: int
    fps: float | None
    frames: int
    """0: the container holds no such number."""
    duration_s: float | None
    """Of the whole file; in containers of the kind `other` a guess of FFmpeg's."""
    stamped: bool
    """Whether its frames have time stamps."""

    @property
    def exact_frames(self) -> int | None:
        """The number of frames, where the container holds such a number."""
        return self.frames if self.container in ("avi", "mp4") and self.frames > 0 else None

    @property
    def exact_duration_s(self) -> float | None:
        """Where the container holds it and no number of frames."""
        # Damaged headers give numbers like -4e17.
        known = self.container == "mkv" and self.fps and 0 < (self.duration_s or 0) < 1e6
        return self.duration_s if known else None


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
    """Failures that were followed by a good frame."""
    failed_after: int
    """Failures behind the last good frame."""
    resized: int
    """Frames that were left out, since their data are of another size."""
    broken: int
    """Frames that were decoded and left out, since their data are cut short."""

    @property
    def count(self) -> int:
        """Frames that can be used."""
        return len(self.seconds)


def find_damage(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64]) -> tuple[str, ...]:
    """What is missing, in words for the result; `stamps` `(T,)` in s, or NaN."""
    found = []
    if claims.exact_frames is not None and claims.exact_frames != decoded.count:
        found.append(f"{claims.exact_frames} frames claimed, {decoded.count} decoded")
    if claims.exact_duration_s is not None and claims.fps:
        there = float(stamps[-1]) + 1 / claims.fps
        # Two frames: the duration may count the last frame or not, and is rounded.
        if claims.exact_duration_s - there > 2 / claims.fps:
            found.append(f"{claims.exact_duration_s:.2f} s claimed, frames end at {there:.2f} s")
    if decoded.broken:
        found.append(f"frames left out because their data are cut short: {decoded.broken}")
    if decoded.resized:
        found.append(f"frames left out because they are of another size: {decoded.resized}")
    gaps = _gaps(stamps)
    if gaps:
        found.append(f"frames are missing after {', '.join(f'{t:.2f} s' for t in gaps)}")
    elif decoded.failed_between:
        found.append("frames in the middle could not be decoded: times after them may be wrong")
    if decoded.failed_after and claims.exact_frames is None and claims.exact_duration_s is None:
        found.append("frames at the end could not be decoded")
    if claims.container == "other":
        found.append(
            f"this kind of file ({claims.codec}) does not say how many frames it holds: "
            "if some are missing, nobody can know"
        )
    return tuple(found)


def count_missing(decoded: Decoded, claims: Claims, stamps: NDArray[np.float64]) -> int:
    """Frames that the header claims and that were not decoded; `stamps` as for `find_damage`."""
    if claims.exact_frames is not None:
        return max(claims.exact_frames - decoded.count, 0)
    if claims.exact_duration_s is not None and claims.fps:
        # By the clock: frames that are missing in the middle are not told from a low rate.
        lost = round((claims.exact_duration_s - float(stamps[-1])) * claims.fps) - 1
        return max(lost, decoded.broken + decoded.resized, 0)
    return decoded.broken + decoded.resized


def _gaps(stamps: NDArray[np.float64]) -> list[float]:
    """Where frames are missing in a file of constant rate, in s; the first three."""
    steps = np.diff(stamps)
    if len(steps) < 2 or not np.isfinite(steps).all():
        return []
    usual = np.median(steps)
    if np.mean(np.abs(steps - usual) < 0.1 * usual + 0.0015) < _EVEN_SHARE:
        return []
    return [float(stamps[i]) for i in np.flatnonzero(steps > _GAP * usual)[:3]]
