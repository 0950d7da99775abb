"""Choosing the clips of a video and cutting them out."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeecho.common.errors import UsageError
from edgeecho.preprocess.spec import PreprocessSpec


@dataclass(frozen=True)
class ClipMode:
    """Which clips are taken, by start frame: `one`, `center`, `all` or `stride:N`.

    `one` is the published single random clip (here drawn with a fixed seed), `all` is the
    published test-time protocol (every start), `center` is the middle start, and `stride:N` is
    every N-th start.
    """

    kind: str
    stride: int = 1

    @classmethod
    def parse(cls, text: str) -> ClipMode:
        """Parse the form used on the command line; `UsageError` for anything else."""
        if text in ("one", "center", "all"):
            return cls(text)
        if match := re.fullmatch(r"stride:([1-9][0-9]*)", text):
            return cls("stride", int(match.group(1)))
        raise UsageError(
            f"clip mode {text!r} is not known: choose one, center, all or stride:N (N >= 1)"
        )

    def __str__(self) -> str:
        return f"stride:{self.stride}" if self.kind == "stride" else self.kind


def count_starts(n_frames: int, spec: PreprocessSpec) -> int:
    """Number of possible start frames in a video of `n_frames` frames, padding included.

    For 32x2: `max(n_frames, 64) - 62`. The published code draws starts from
    `range(F - (length - 1) * period)`, so the last clip ends on the last frame.
    """
    padded = max(n_frames, spec.frames * spec.period)
    return padded - (spec.frames - 1) * spec.period


def clip_starts(
    n_frames: int, spec: PreprocessSpec, mode: ClipMode, *, seed: int = 0
) -> NDArray[np.intp]:
    """Start frames `(n,)` of the clips that `mode` takes from a video of `n_frames` frames.

    `seed` affects mode `one` only.
    """
    count = count_starts(n_frames, spec)
    if mode.kind == "one":
        return np.array([np.random.default_rng(seed).integers(count)], np.intp)
    if mode.kind == "center":
        return np.array([(count - 1) // 2], np.intp)
    return np.arange(0, count, mode.stride, dtype=np.intp)


def gather_clips(
    video: NDArray[np.float32],
    starts: NDArray[np.intp],
    spec: PreprocessSpec,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Cut clips out of a padded video: `(3, T, S, S)` -> `(n, 3, frames, S, S) float32`.

    `out` is an array for them; without it, a single clip may be a view of the video.
    """
    # Slices, since frames chosen by number are copied slowly. A single clip that is the whole video
    # needs no copy.
    clips = [video[:, s : s + spec.window : spec.period] for s in starts]
    if out is not None or len(clips) > 1:
        return np.stack(clips, out=out)
    return np.ascontiguousarray(clips[0][None])
