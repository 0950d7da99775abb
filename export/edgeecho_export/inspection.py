"""Inspecting a checkpoint: the plug-in of `edgeecho inspect` that needs torch."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeecho.common.errors import ModelError
from edgeecho.common.files import sha256_file
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.inspect import STAGES, Inspection, NetworkStage
from edgeecho_export.checkpoint import CheckpointOptions, LoadedCheckpoint, read_checkpoint
from edgeecho_train.checkpoint import FORMAT, SEGMENTATION, load_file, trained_on
from edgeecho_train.network import ARCHITECTURE, R2Plus1D18
from edgeecho_train.segmentation.network import NETWORKS, build_segmentation

# Reading needs mean and std, which some checkpoints do not store; these are never shown.
_STAND_IN = CheckpointOptions(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def inspect_checkpoint(path: Path) -> Inspection:
    """Inspect a checkpoint of any kind that export reads; `ModelError` where it is none."""
    value = load_file(path)
    if value.get("task") == SEGMENTATION:
        return _inspect_segmentation(path, value)
    ours = value.get("format") == FORMAT
    stored = [name for name in ("frames", "period") if value.get(name) is not None]
    del value
    source = read_checkpoint(path, CheckpointOptions() if ours else _STAND_IN)
    spec = source.preprocess
    stages = network_stages(source.network.width, (1, 3, spec.frames, spec.size, spec.size))
    facts = _own_facts(source) if ours else _foreign_facts(spec, stored)
    return Inspection(
        kind="checkpoint",
        file=path.name,
        sha256=source.sha256,
        stages=stages,
        counted="everything that is trained, batch norms' scale and shift included",
        architecture={
            "name": ARCHITECTURE,
            "width": source.network.width,
            "parameters": sum(p.numel() for p in source.network.parameters()),
        },
        provenance={"checkpoint_sha256": source.sha256, "training": source.training},
        **facts,
    )


def network_stages(width: float, clip: tuple[int, ...]) -> tuple[NetworkStage, ...]:
    """Stages of the network for one clip `(1, 3, T, H, W)`.

    It runs on torch's meta device, which computes shapes but no values, so that it takes no memory
    and only milliseconds even at full width.
    """
    with torch.device("meta"):
        network, example = R2Plus1D18(width).eval(), torch.empty(clip)
    macs: Counter[str] = Counter()
    shapes: dict[str, tuple[int, ...]] = {}
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            module.register_forward_hook(_counting(macs, name.partition(".")[0]))
        if name in STAGES:
            module.register_forward_hook(_noting(shapes, name))
    with torch.inference_mode():
        # The head's output is the network's: one value per clip.
        shapes["fc"] = tuple(network(example).shape)
    inputs = [clip, *shapes.values()]
    return tuple(
        NetworkStage(
            name=stage,
            input_shape=inputs[i],
            output_shape=shapes[name],
            parameters=sum(p.numel() for p in network.get_submodule(name).parameters()),
            macs=macs[name],
        )
        for i, (name, stage) in enumerate(STAGES.items())
    )


def _inspect_segmentation(path: Path, value: Mapping[str, Any]) -> Inspection:
    name, width, weights = (value.get(key) for key in ("architecture", "width", "state_dict"))
    if name not in NETWORKS or not isinstance(weights, Mapping):
        raise ModelError(
            f"{path} is a segmentation network that this version does not know: upgrade edgeecho"
        )
    try:
        with torch.device("meta"):
            network = build_segmentation(name, width).eval()
        network.load_state_dict(weights, assign=True)
        spec = PreprocessSpec.from_dict(value["preprocess"])
        provenance = value["provenance"]
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path} does not fit a {name}: {reason}: train it again") from error
    return Inspection(
        kind="checkpoint",
        file=path.name,
        sha256=(sha256 := sha256_file(path)),
        stages=_segmentation_stages(name, width, (1, 3, spec.size, spec.size)),
        counted="everything that is trained, batch norms' scale and shift included",
        architecture={
            "name": name,
            "task": SEGMENTATION,
            "width": width,
            "parameters": sum(p.numel() for p in network.parameters()),
        },
        preprocess=spec.to_dict(),
        preprocess_sha256=spec.sha256(),
        trained_on=trained_on(provenance),
        provenance={"checkpoint_sha256": sha256, "training": provenance},
    )


def _segmentation_stages(
    name: str, width: float, frame: tuple[int, ...]
) -> tuple[NetworkStage, ...]:
    """Stages of the network for one frame `(1, 3, S, S)`, as in `network_stages`."""
    with torch.device("meta"):
        network, example = build_segmentation(name, width).eval(), torch.empty(frame)
    macs: Counter[str] = Counter()
    for part, module in network.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(_counting(macs, part.partition(".")[0]))
    with torch.inference_mode():
        features = list(network.get_submodule("backbone")(example).values())[-1]
        macs.clear()
        logits = network(example)["out"]
    shapes = [frame, tuple(features.shape), tuple(logits.shape)]
    return tuple(
        NetworkStage(
            name=part,
            input_shape=shapes[i],
            output_shape=shapes[i + 1],
            parameters=sum(p.numel() for p in network.get_submodule(part).parameters()),
            macs=macs[part],
        )
        for i, part in enumerate(("backbone", "classifier"))
    )


def _counting(macs: Counter[str], stage: str) -> Any:
    def hook(module: nn.Conv2d | nn.Conv3d | nn.Linear, _: Any, output: Tensor) -> None:
        # Each output value takes as many multiplications as its filter or row has weights.
        macs[stage] += output.numel() * math.prod(module.weight.shape[1:])

    return hook


def _noting(shapes: dict[str, tuple[int, ...]], stage: str) -> Any:
    def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        shapes[stage] = tuple(output.shape)

    return hook


def _own_facts(source: LoadedCheckpoint) -> dict[str, Any]:
    return {
        "preprocess": source.preprocess.to_dict(),
        "preprocess_sha256": source.preprocess.sha256(),
        "trained_on": trained_on(source.training),
    }


def _foreign_facts(spec: PreprocessSpec, stored: list[str]) -> dict[str, Any]:
    missing = [name for name in ("frames", "period", "size") if name not in stored]
    assumed = ", ".join(f"{name} {getattr(spec, name)}" for name in missing)
    return {
        "preprocess": {name: getattr(spec, name) for name in stored},
        "unknown": (
            "mean and std of the training videos: `edgeecho export` wants --mean and --std, "
            "`edgeecho stats DATA` computes them",
            f"{', '.join(missing)} of its clips: taken as EchoNet-Dynamic's ({assumed})",
            "what it was trained on and how: the checkpoint does not say",
        ),
    }
