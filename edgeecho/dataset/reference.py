"""Reference clips: a few real inputs on which every engine must give the same EF as PyTorch.

Training writes them beside a checkpoint, and export compares every engine with PyTorch on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeecho.bundle.arrays import as_floats, read_arrays
from edgeecho.common.errors import InputError
from edgeecho.common.files import atomic_path, sha256_file
from edgeecho.dataset import LabelledVideo, prepare_labelled
from edgeecho.preprocess import PreprocessSpec, normalise

REFERENCE_FILE = "reference_clips.npz"
_COUNT = 8


@dataclass(frozen=True)
class ReferenceClips:
    """Labelled clips before normalisation, so that they do not depend on mean and std."""

    clips: NDArray[np.uint8]
    """`(n, frames, S, S, 3)` RGB."""
    efs: NDArray[np.float32]
    """`(n,)` labelled EF in %."""

    def normalised(self, spec: PreprocessSpec) -> NDArray[np.float32]:
        """The engine's input `(n, 3, frames, S, S)`."""
        return np.stack([normalise(clip, spec) for clip in self.clips])

    def to_arrays(self) -> dict[str, Any]:
        """Arrays for an .npz file.

        They are planar, since ultrasound is nearly grey, and equal planes in sequence compress to
        one.
        """
        return {"clips": self.clips.transpose(0, 1, 4, 2, 3), "ef": self.efs}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> ReferenceClips:
        """Inverse of `to_arrays`; raises `KeyError` or `ValueError` for other arrays."""
        clips = np.ascontiguousarray(arrays["clips"].transpose(0, 1, 3, 4, 2))
        efs = as_floats(arrays["ef"])
        if clips.dtype != np.uint8 or len(clips) != len(efs):
            raise ValueError(f"{clips.shape} {clips.dtype} are no clips of {len(efs)} videos")
        return cls(clips, efs)


def select_reference_clips(
    videos: Sequence[LabelledVideo], spec: PreprocessSpec, *, n: int = _COUNT
) -> ReferenceClips | None:
    """The central clips of up to `n` videos, spread evenly over EF.

    Videos shorter than a clip are skipped, since their padding is no uint8 value, and replaced by
    others; None if all are too short.
    """
    chosen: list[tuple[float, NDArray[np.uint8]]] = []
    for video in _spread_over_ef(videos, n):
        frames = prepare_labelled(video, spec).frames
        if len(frames) >= spec.window:
            start = (len(frames) - spec.window) // 2
            clip = frames[start : start + spec.window : spec.period]
            chosen.append((video.ef, clip))
        if len(chosen) == n:
            break
    if not chosen:
        return None
    chosen.sort(key=lambda pair: pair[0])
    efs, clips = zip(*chosen, strict=True)
    return ReferenceClips(np.stack(clips), np.array(efs, np.float32))


def _spread_over_ef(videos: Sequence[LabelledVideo], n: int) -> list[LabelledVideo]:
    """All videos: first `n` spread evenly over EF, then the rest."""
    by_ef = sorted(videos, key=lambda video: video.ef)
    places = np.linspace(0, len(by_ef) - 1, min(n, len(by_ef))).round().astype(int).tolist()
    return [by_ef[p] for p in places] + [v for p, v in enumerate(by_ef) if p not in places]


def save_reference_clips(path: Path, reference: ReferenceClips) -> str:
    """Write a compressed .npz atomically and return its SHA-256."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **reference.to_arrays())
    return sha256_file(path)


def load_reference_clips(path: Path, sha256: str) -> ReferenceClips:
    """Read what `save_reference_clips` wrote; `InputError` if it is another file."""
    if not path.is_file():
        raise InputError(f"{path}: no reference clips beside the checkpoint: copy them there too")
    if sha256_file(path) != sha256:
        raise InputError(f"{path} is not the file the checkpoint was written with: copy it again")
    try:
        return ReferenceClips.from_arrays(read_arrays(path))
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} holds no reference clips: copy it again") from error
