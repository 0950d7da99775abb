"""Pooled features of the EF network's stages, for `scores.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import load_checkpoint
from edgeecho_train.data import central_clip
from edgeecho_train.network import R2Plus1D18


class Depths:
    """A network, and the mean of each stage's channels over the central clip."""

    def __init__(self, checkpoint: Path) -> None:
        found = load_checkpoint(checkpoint)
        self.spec = PreprocessSpec.from_dict(found["preprocess"])
        self._network = R2Plus1D18(found["width"])
        self._network.load_state_dict(found["state_dict"])
        self._network.eval().to(memory_format=torch.channels_last_3d)

    def of(self, frames: NDArray[np.uint8]) -> dict[str, NDArray[np.float64]]:
        """By stage, `(channels,)`, of prepared frames `(T, S, S, 3)`."""
        x = torch.from_numpy(central_clip(frames, self.spec))[None]
        found, network = {}, self._network
        with torch.inference_mode():
            x = network.stem(x.to(memory_format=torch.channels_last_3d))
            for number in (1, 2, 3, 4):
                x = getattr(network, f"layer{number}")(x)
                found[f"stage {number}"] = x.mean(dim=(2, 3, 4))[0].double().numpy()
        return found
