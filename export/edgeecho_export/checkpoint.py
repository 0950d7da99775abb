"""Reading four kinds of checkpoint into one type.

- ours (`edgeecho train`): carries its preprocessing, provenance and reference clips;
- ours as published (`edgeecho release`): the same in a safetensors file, with weights rounded to
  FP16; the export is then compared with these rounded weights, computed in float32;
- EchoNet-Dynamic's release: a dict with `state_dict` (keys prefixed `module.` by DataParallel,
  tensors saved on CUDA), `frames`, `period` and numpy scalars; mean and std are not stored;
- a bare state dict of torchvision's r2plus1d_18 with one output.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from edgeecho.bundle import Skill
from edgeecho.common.errors import ModelError, UsageError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import FORMAT, SEGMENTATION, load_file
from edgeecho_train.network import R2Plus1D18, width_of

_OURS = {"state_dict", "preprocess", "provenance", "reference_clips"}


@dataclass(frozen=True)
class CheckpointOptions:
    """What the user states because the checkpoint may not store it."""

    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    frames: int | None = None
    period: int | None = None
    training_fps: float | None = None


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A checkpoint, ready for export."""

    network: R2Plus1D18
    """In eval mode, on the CPU."""
    preprocess: PreprocessSpec
    sha256: str
    training: Mapping[str, Any] | None
    """What training recorded; None for a checkpoint that is not ours."""
    reference: Mapping[str, Any] | None
    """File name, sha256 and n of the reference clips beside it."""
    skill: Skill | None = None
    """As training recorded it."""


def read_checkpoint(path: Path, given: CheckpointOptions) -> LoadedCheckpoint:
    """Read a checkpoint of any of the four kinds; `ModelError` if it is none of them."""
    value = load_file(path)
    if value.get("task") == SEGMENTATION:
        raise ModelError(
            f"{path} is a segmentation network, and export has no form for these yet: "
            "give the checkpoint of an EF network"
        )
    ours = value.get("format") == FORMAT
    if ours and not value.keys() >= _OURS:
        raise ModelError(f"{path} lacks {', '.join(sorted(_OURS - value.keys()))}: train it again")
    weights = value.get("state_dict", value)
    if not isinstance(weights, Mapping) or not weights:
        raise ModelError(f"{path} holds no state dict: it is not an r2plus1d_18 checkpoint")
    network = _network({str(k).removeprefix("module."): v for k, v in weights.items()}, path)
    if ours:
        if given != CheckpointOptions():
            raise UsageError(
                "--mean, --std, --frames, --period, --training-fps: the checkpoint has its own"
            )
        spec = PreprocessSpec.from_dict(value["preprocess"])
    else:
        spec = _given_spec(value, given)
    return LoadedCheckpoint(
        network=network.eval(),
        preprocess=spec,
        sha256=sha256_file(path),
        training=value["provenance"] if ours else None,
        reference=value["reference_clips"] if ours else None,
        skill=_skill(value["provenance"], path) if ours else None,
    )


def _skill(provenance: Mapping[str, Any], path: Path) -> Skill | None:
    try:
        return Skill.from_dict(provenance.get("skill"))
    except (TypeError, AttributeError) as error:
        raise ModelError(
            f"{path}: what training recorded of its skill cannot be read: train it again"
        ) from error


def _network(weights: dict[str, Tensor], path: Path) -> R2Plus1D18:
    stem, head = weights.get("stem.3.weight"), weights.get("fc.weight")
    if (
        not all(isinstance(v, Tensor) for v in weights.values())
        or stem is None
        or head is None
        or stem.ndim != 5
        or head.ndim != 2
        or width_of(weights) > 1
    ):
        raise ModelError(f"{path} does not hold the weights of an r2plus1d_18")
    outputs = head.shape[0]
    if outputs != 1:
        raise ModelError(
            f"{path} has {outputs} outputs, an EF network has one: train it with `edgeecho train`"
        )
    try:
        network = R2Plus1D18(width_of(weights))
        network.load_state_dict(weights)
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path} does not fit an r2plus1d_18: {reason}") from error
    return network


def _given_spec(value: Mapping[str, Any], given: CheckpointOptions) -> PreprocessSpec:
    if given.mean is None or given.std is None:
        raise UsageError(
            "this checkpoint does not say how its videos were normalised: give --mean and --std "
            "on the 0..255 scale (`edgeecho stats DATA` computes them from the training data)"
        )

    if max(given.std) < 1:
        raise UsageError("--mean and --std look like the 0..1 scale: multiply them by 255")

    def chosen(name: str, default: int) -> int:
        asked, stored = getattr(given, name), value.get(name)
        if stored is None:
            return int(asked or default)
        if not isinstance(stored, int | np.integer) or stored < 1:
            raise ModelError(f"the checkpoint's {name} is {stored!r}, not a whole number")
        if asked not in (None, stored):
            raise UsageError(f"--{name} {asked}: the checkpoint says {stored}")
        return int(stored)

    return PreprocessSpec(
        mean=given.mean,
        std=given.std,
        frames=chosen("frames", PreprocessSpec.frames),
        period=chosen("period", PreprocessSpec.period),
        training_fps=given.training_fps,
    )
