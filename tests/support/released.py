"""Checkpoints in the form of EchoNet-Dynamic's release, with random weights."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from edgeecho_train.network import R2Plus1D18
from edgeecho_train.segmentation.network import build_segmentation


def weights(width: float = 0.0625) -> dict[str, torch.Tensor]:
    """Of a narrow network, the same in every call, with batch norms as training leaves them."""
    torch.manual_seed(4)
    network = R2Plus1D18(width)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            torch.nn.init.normal_(module.bias, 0, 0.1)
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.state_dict()


def echonet(path: Path, *, zipped: bool = True, **changes: Any) -> Path:
    """A checkpoint as EchoNet-Dynamic's training script wrote its release."""
    network = R2Plus1D18(0.0625)
    network.load_state_dict(weights())
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-4, momentum=0.9, weight_decay=1e-4)
    network(torch.randn(2, 3, 8, 32, 32)).sum().backward()
    optimizer.step()
    network.load_state_dict(weights())
    value = {
        "epoch": 44,
        "state_dict": {f"module.{k}": v for k, v in network.state_dict().items()},
        "period": 2,
        "frames": 32,
        "best_loss": np.float64(30.5),
        "loss": np.float32(31.5),
        "r2": np.float64(0.8),
        "opt_dict": optimizer.state_dict(),
        "scheduler_dict": torch.optim.lr_scheduler.StepLR(optimizer, 15).state_dict(),
    }
    torch.save({**value, **changes}, path, _use_new_zipfile_serialization=zipped)
    return path


def segmentation(path: Path) -> Path:
    """The release's other checkpoint, of which a few of deeplabv3_resnet50's tensors are enough."""
    names = ("backbone.conv1.weight", "classifier.4.weight", "classifier.4.bias")
    return echonet_masks(path, {name: torch.zeros(1) for name in names})


def lively_masks(frames: torch.Tensor) -> dict[str, torch.Tensor]:
    """Weights of deeplabv3_resnet50 whose masks differ from one to another of `(n, 3, S, S)`."""
    torch.manual_seed(3)
    network = build_segmentation("deeplabv3_resnet50")
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1  # the statistics of the one pass that follows
    with torch.no_grad():
        network(frames)
        logits = network.eval()(frames)["out"]
        last = network.classifier[4]
        last.weight.div_(logits.std())
        last.bias.sub_(logits.median()).div_(logits.std())
    return network.state_dict()


def echonet_masks(path: Path, weights: dict[str, torch.Tensor]) -> Path:
    """A checkpoint as EchoNet-Dynamic's script for segmentation wrote its release."""
    value = {
        "epoch": 49,
        "state_dict": {f"module.{name}": tensor for name, tensor in weights.items()},
        "best_loss": np.float64(0.05),
        "loss": np.float64(0.05),
        "opt_dict": {},
        "scheduler_dict": {},
    }
    torch.save(value, path)
    return path


def rewrite_pickle(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change `data.pkl` within a checkpoint and nothing else."""
    with zipfile.ZipFile(path) as source:
        records = [(record, source.read(record)) for record in source.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
        for record, data in records:
            is_pickle = record.filename.endswith("/data.pkl")
            target.writestr(record.filename, change(data) if is_pickle else data)


def as_of_gpu(path: Path) -> Path:
    """Make it one whose tensors were saved on a GPU."""

    def move(data: bytes) -> bytes:
        assert data.count(b"X\x03\x00\x00\x00cpu") == 1
        return data.replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:0")

    rewrite_pickle(path, move)
    return path
