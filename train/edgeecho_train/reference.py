"""Reference clips: what export and verification compare back ends on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeecho.cine import read_cine
from edgeecho.dataset import LabelledVideo
from edgeecho.files import atomic_path, sha256_file
from edgeecho.preprocess import PreprocessSpec, fit_frames

FILE_NAME = "reference_clips.npz"
_COUNT = 12


def write_reference_clips(
    folder: Path, videos: Sequence[LabelledVideo], spec: PreprocessSpec
) -> dict[str, str | int] | None:
    """Write up to 12 validation clips, spread evenly over EF; give file, sha256 and n.

    `clips (n, frames, 3, S, S) uint8` before normalisation and `ef (n,) float32` in %. The
    channel axis stands before the pixels because grey video then compresses to a third.
    Videos shorter than the window are passed over (their padding is not a uint8 value); None
    where all are.
    """
    by_ef = sorted(videos, key=lambda video: video.ef)
    places = np.unique(np.linspace(0, len(by_ef) - 1, min(_COUNT, len(by_ef))).round().astype(int))
    clips: list[NDArray[np.uint8]] = []
    efs: list[float] = []
    for place in places:
        frames = read_cine(by_ef[place].path).frames
        if len(frames) < spec.window:
            continue
        start = (len(frames) - spec.window) // 2
        window = frames[start : start + spec.window : spec.period]
        clips.append(fit_frames(window, spec).transpose(0, 3, 1, 2))
        efs.append(by_ef[place].ef)
    if not clips:
        return None
    path = folder / FILE_NAME
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, clips=np.stack(clips), ef=np.array(efs, np.float32))
    return {"file": FILE_NAME, "sha256": sha256_file(path), "n": len(clips)}
