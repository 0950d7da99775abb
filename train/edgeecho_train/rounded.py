"""Checkpoints rounded to FP16 for publication: a safetensors file of half the size.

Trained weights are float16. The running statistics of the batch norms stay float32, since a
variance may exceed FP16, and they are few. Reading converts everything to float32, and that upcast
is the FP32 reference of everything exported from the file. The header's metadata has one key,
`edgeecho`, whose JSON has

    format        "edgeecho-checkpoint-fp16-1"
    task, architecture, width, preprocess, provenance, reference_clips: as in `checkpoint`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from edgeecho.common.errors import ModelError
from edgeecho.common.files import atomic_path

FORMAT = "edgeecho-checkpoint-fp16-1"
_KEY = "edgeecho"
_FACTS = ("architecture", "width", "preprocess", "provenance", "reference_clips")
_STATISTICS = ("running_mean", "running_var")
# A batch counter that inference does not use.
_DROPPED = "num_batches_tracked"
_MOST_LOST = 2**-10
"""Maximum relative error of a layer. Rounding a number to FP16 costs up to 2^-11, or more if it is
subnormal."""


@dataclass(frozen=True)
class Rounding:
    """The effect of rounding on the weights."""

    weights: int
    """Number of rounded weights."""
    largest: float
    """Largest relative error of a layer: |rounded - exact| / |exact| of its weights as a vector."""
    layer: str
    """The layer with this error."""


def round_weights(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], Rounding]:
    """Round the tensors; `ModelError` if weights are too large or too small for FP16."""
    tensors: dict[str, Tensor] = {}
    layers: dict[str, list[tuple[Tensor, Tensor]]] = {}
    for name, value in state_dict.items():
        if name.endswith(_DROPPED):
            continue
        statistics = name.endswith(_STATISTICS)
        tensors[name] = kept = value.to(torch.float32 if statistics else torch.float16).contiguous()
        if not torch.isfinite(kept).all():
            raise ModelError(
                f"{name} reaches {value.abs().max():.4g}, and FP16 ends at 65504: "
                "publish the checkpoint as it is"
            )
        if not statistics:
            # By layer, because the error of a tiny shift beside a large scale does not matter.
            layers.setdefault(name.rpartition(".")[0], []).append((value, kept))
    errors = {name: _relative_error(pairs) for name, pairs in layers.items()}
    worst = max(errors, key=lambda name: errors[name])
    if errors[worst] > _MOST_LOST:
        raise ModelError(
            f"{worst} loses {errors[worst]:.1%} in FP16, whose smallest numbers are too large for "
            "it: publish the checkpoint as it is"
        )
    weights = sum(kept.numel() for pairs in layers.values() for _, kept in pairs)
    return tensors, Rounding(weights, errors[worst], worst)


def _relative_error(pairs: list[tuple[Tensor, Tensor]]) -> float:
    exact, rounded = (torch.cat([pair[i].double().flatten() for pair in pairs]) for i in (0, 1))
    size = float(exact.norm())
    return float((rounded - exact).norm()) / size if size else 0.0


def write_rounded(path: Path, tensors: dict[str, Tensor], facts: Mapping[str, Any]) -> None:
    """Write atomically; of the checkpoint's `facts`, only the keys of this format are kept."""
    task = {"task": facts["task"]} if "task" in facts else {}
    header = {"format": FORMAT, **task, **{key: facts[key] for key in _FACTS}}
    text = json.dumps(header, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_KEY: text})


def read_rounded(path: Path) -> dict[str, Any]:
    """Read the facts and, in `state_dict`, float32 weights; `ModelError` for any other file."""
    try:
        with safe_open(path, framework="pt") as file:
            facts = _facts(path, file.metadata() or {})
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"{path} is a damaged safetensors file ({reason}): copy it again"
        ) from error
    return {**facts, "state_dict": weights}


def _facts(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    try:
        facts = json.loads(metadata[_KEY])
    except (KeyError, ValueError, RecursionError):
        facts = None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a safetensors file, but none of edgeecho ({FORMAT}): give one that "
            "`edgeecho release` wrote, or a checkpoint of PyTorch"
        )
    if missing := [key for key in _FACTS if key not in facts]:
        raise ModelError(f"{path} lacks {', '.join(missing)}: write it again by `edgeecho release`")
    return facts
