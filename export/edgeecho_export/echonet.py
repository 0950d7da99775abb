"""EchoNet-Dynamic's released EF checkpoint: what it does not store, and what is taken for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.bundle.assumed import NORMALISATION
from edgeecho.common.errors import ModelError, UsageError
from edgeecho.preprocess import normalise
from edgeecho_export.checkpoint import CheckpointOptions, LoadedCheckpoint, understand
from edgeecho_train.checkpoint import FORMAT, load_file

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Normalisation:
    """Mean and std, R, G, B on 0..255, and whose they are."""

    source: str
    mean: Channels
    std: Channels


STRAIN = Normalisation(
    "echonet/strain's constants (the same group's)",
    (31.834011, 31.95879, 32.082172),
    (48.866325, 49.137333, 49.361984),
)
"""The same group uses them with its segmentation network of EchoNet-Dynamic."""
QUOTED = Normalisation(
    "about 32.7 and 50.0, which others quote for the training split", (32.7,) * 3, (50.0,) * 3
)
KNOWN = (STRAIN, QUOTED)
FPS = 51.0
FPS_SOURCE = "51 frames/s, about the mean of the public list of videos (50.9, sd 6.8)"


def given(mean: Channels | None, std: Channels | None) -> Normalisation:
    """What the user measured; `STRAIN` where nothing is given."""
    if mean is None and std is None:
        return STRAIN
    if mean is None or std is None:
        raise UsageError("--mean and --std belong together: `edgeecho stats DATA` gives both")
    return Normalisation("--mean and --std", mean, std)


def options(taken: Normalisation, training_fps: float | None) -> CheckpointOptions:
    """What the checkpoint does not say, and what of it nobody measured."""
    assumed = {}
    if taken in KNOWN:
        assumed[NORMALISATION] = taken.source
    if training_fps is None:
        assumed["frame rate of training"] = FPS_SOURCE
    fps = training_fps or FPS
    return CheckpointOptions(taken.mean, taken.std, training_fps=fps, assumed=assumed)


def read_release(path: Path, told: CheckpointOptions) -> LoadedCheckpoint:
    """Read a checkpoint in the form of the release.

    `UsageError` for one of ours, `ModelError` for any other. That it is the very file is never
    said: no published hash of it is known.
    """
    value = load_file(path)
    if value.get("format") == FORMAT:
        raise UsageError(
            f"{path} is a checkpoint of edgeecho, which says how it was normalised: "
            "use `edgeecho export`"
        )
    source = understand(path, value, told)
    if absent := sorted({"frames", "period", "state_dict"} - value.keys()):
        raise ModelError(
            f"{path} is not in the form of EchoNet-Dynamic's release (no {', '.join(absent)}): "
            "for another r2plus1d_18 use `edgeecho export` with --mean and --std"
        )
    return source


@dataclass(frozen=True)
class Shift:
    """How far the EF moves from one normalisation to another, in EF points."""

    to: Normalisation
    mean: float
    most: float


def shifts(
    source: LoadedCheckpoint, clips: NDArray[np.uint8], taken: Normalisation
) -> tuple[Shift, ...]:
    """How far the EF of `ReferenceClips.clips` moves from `taken` to the other known ones."""
    before = _efs(source, clips, taken)
    found = []
    for other in KNOWN:
        if other != taken:
            moved = np.abs(_efs(source, clips, other) - before)
            found.append(Shift(other, float(moved.mean()), float(moved.max())))
    return tuple(found)


def _efs(
    source: LoadedCheckpoint, clips: NDArray[np.uint8], of: Normalisation
) -> NDArray[np.float64]:
    spec = replace(source.preprocess, mean=of.mean, std=of.std)
    with torch.inference_mode():
        return np.array(
            [float(source.network(torch.from_numpy(normalise(c, spec)[None]))) for c in clips]
        )
