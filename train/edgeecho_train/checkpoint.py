"""Checkpoints: plain types and tensors only, so that `weights_only=True` loads them.

`best.pt` is what export takes. `last.pt` is the same with the state of the run beside it.
The keys of both:

    format        "edgeecho-checkpoint-1"
    architecture  "r2plus1d_18"
    width         channel factor
    state_dict    tensors, named as in torchvision
    preprocess    PreprocessSpec as a dict
    provenance    recipe, data, versions, epoch, validation metrics
    reference_clips  file name, sha256 and n of the clips beside it, or None
    run           (last.pt only) optimizer, scheduler, history, position
"""

from __future__ import annotations

import pickle
import struct
from pathlib import Path
from typing import Any

import torch

from edgeecho.errors import ModelError
from edgeecho.files import atomic_path
from edgeecho_train.network import ARCHITECTURE, R2Plus1D18

FORMAT = "edgeecho-checkpoint-1"
# What `torch.load` raises on damaged bytes: whatever its unpickler stumbles over.
_DAMAGE = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def save_checkpoint(path: Path, network: R2Plus1D18, facts: dict[str, Any]) -> None:
    """Write atomically: a kill at any moment leaves the old file or the new one."""
    value = {
        "format": FORMAT,
        "architecture": ARCHITECTURE,
        "width": network.width,
        "state_dict": {k: v.contiguous() for k, v in network.state_dict().items()},
        **facts,
    }
    with atomic_path(path) as temporary:
        torch.save(value, temporary)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read one of our own checkpoints onto the CPU, or raise `ModelError`."""
    if not path.is_file():
        raise ModelError(f"{path}: no such checkpoint: check the path")
    try:
        value = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        raise ModelError(
            f"{path} is not a PyTorch file of weights alone, or it is damaged: copy it again"
        ) from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise ModelError(f"{path} is not an edgeecho checkpoint ({FORMAT})")
    return value
