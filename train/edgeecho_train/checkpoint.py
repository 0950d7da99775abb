"""Checkpoints, made of plain types and tensors only, so that `weights_only=True` can load them.

`best.pt` is the input of export. `last.pt` also has the state of the run. Their keys are:

    format        "edgeecho-checkpoint-1"
    task          "segmentation"; an EF network has no such key
    architecture  "r2plus1d_18" or the name of a segmentation network of torchvision
    width         channel factor
    state_dict    tensors, named as in torchvision
    preprocess    PreprocessSpec as a dict
    provenance    recipe, data, versions, epoch, validation metrics and skill
    reference_clips  file name, sha256 and n of the clips beside it, or None (segmentation: None)
    run           (last.pt only) optimizer, scheduler, history, position

A published checkpoint is rounded to FP16 and has another format, see `rounded`; it is read into the
same keys.
"""

from __future__ import annotations

import pickle
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from edgeecho.common.errors import ModelError
from edgeecho.common.files import atomic_path, looks_like_safetensors
from edgeecho_train.rounded import read_rounded

FORMAT = "edgeecho-checkpoint-1"
EF, SEGMENTATION = "ef", "segmentation"
"""What a network learnt."""
# What `torch.load` and its unpickler raise for damaged bytes.
_DAMAGE = (
    pickle.UnpicklingError,
    RuntimeError,
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)


def save_checkpoint(path: Path, network: nn.Module, facts: dict[str, Any]) -> None:
    """Write atomically: a kill at any time leaves either the old file or the new one."""
    value = {
        "format": FORMAT,
        "state_dict": {k: v.contiguous() for k, v in network.state_dict().items()},
        **facts,
    }
    with atomic_path(path) as temporary:
        torch.save(value, temporary)


def load_checkpoint(path: Path, task: str = EF) -> dict[str, Any]:
    """Read an edgeecho checkpoint of this task onto the CPU; `ModelError` for anything else."""
    value = load_file(path)
    if value.get("format") != FORMAT:
        raise ModelError(f"{path} is not an edgeecho checkpoint ({FORMAT})")
    check_task(path, value, task)
    return value


def check_task(path: Path, checkpoint: Mapping[str, Any], task: str) -> None:
    """`ModelError` for a checkpoint of another task."""
    if (found := checkpoint.get("task", EF)) != task:
        raise ModelError(
            f"{path} holds a network that was trained for {found!r:.40}, and here one for "
            f"{task!r} is needed: give another checkpoint"
        )


_UNDESCRIBED = "data that the checkpoint does not describe"


def training_history(provenance: Any) -> tuple[str, ...]:
    """Descriptions of the data that a network was trained on, the latest first.

    `provenance` comes from its checkpoint and is untrusted.
    """
    data = provenance.get("data") if isinstance(provenance, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("description"), str):
        return (_UNDESCRIBED,)
    last = data["description"]
    if isinstance(data.get("n_train"), int):
        last += f", {data['n_train']:,} of its videos"
    before = data.get("before")
    if before is None:  # the checkpoints in `models/` were trained before it was recorded
        recipe = provenance.get("recipe")
        begun = isinstance(recipe, dict) and str(recipe.get("init", "")).startswith("sha256:")
        before = [_UNDESCRIBED] if begun else []
    return (last, *(words for words in before if isinstance(words, str) and words != last))


def trained_on(provenance: Any) -> str:
    """`training_history` as one sentence."""
    return "; before that: ".join(training_history(provenance))


def load_file(path: Path) -> dict[str, Any]:
    """Read a file that torch saved, or an edgeecho checkpoint in FP16, whose `format` is replaced.

    `ModelError` for anything else.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such checkpoint: check the path")
    try:
        with path.open("rb") as stream:
            head = stream.read(9)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    if looks_like_safetensors(head):
        return {**read_rounded(path), "format": FORMAT}
    return _load_torch_file(path)


def _load_torch_file(path: Path) -> dict[str, Any]:
    """Read a dict of tensors, numbers and texts that torch saved; `ModelError` for anything else.

    With `weights_only=True` a checkpoint is data, not a program. Numpy scalars are allowed, because
    EchoNet-Dynamic's release has some.
    """
    try:
        with torch.serialization.safe_globals(_numpy_scalars()):
            value = torch.load(path, map_location="cpu", weights_only=True)
    except _DAMAGE as error:
        # torch's message is long, and suggests running the file's code.
        refused = re.search(r"GLOBAL (\S+)", str(error))
        reason = (
            f"it holds {refused[1]}, which may be a program: save tensors and numbers alone"
            if refused
            else "it is damaged or was not written by PyTorch: copy it again"
        )
        raise ModelError(f"{path} is not a checkpoint that can be read safely: {reason}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path} holds a {type(value).__name__}, not a dict of weights")
    return value


def _numpy_scalars() -> list[Any]:
    # numpy 1 and 2 pickle scalars under different module names; both are harmless.
    scalar = np.float64(0).__reduce__()[0]
    dtypes = [type(np.dtype(t)) for t in (np.float32, np.float64, np.int32, np.int64)]
    return [
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        *dtypes,
    ]
