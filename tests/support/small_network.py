"""A narrow network of small clips: quick to export, and its answers are unlike one another."""

from __future__ import annotations

import torch

from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.network import R2Plus1D18

SPEC = PreprocessSpec((30, 30, 30), (50, 50, 50), frames=16, period=4, size=56)


def small_network() -> R2Plus1D18:
    """Its answers differ from clip to clip and its batch norms do something."""
    torch.manual_seed(8)
    network = R2Plus1D18(0.0625)
    with torch.no_grad():
        network.fc.weight.mul_(100)
        for _ in range(20):
            network(torch.randn(4, 3, 16, 56, 56))
    return network.eval()
