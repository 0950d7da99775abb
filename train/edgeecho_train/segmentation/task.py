"""The task segmentation: which pixels of a frame are left ventricle.

Inputs are pairs of traced frames `(n, 3, 2, S, S)`, end diastole (the larger) first; answers are
logits `(n, 2, S, S)`, and a pixel with a logit above 0 is left ventricle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from edgeecho.dataset import LabelledVideo
from edgeecho.dataset.tracings import TRACINGS_FILE, read_tracings
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import SEGMENTATION
from edgeecho_train.recipe import SegmentationRecipe
from edgeecho_train.segmentation.frames import TracedFrames
from edgeecho_train.segmentation.network import build_segmentation, load_weights
from edgeecho_train.task import Measured, Plotted, finite


class Segmentation:
    """See `Task`."""

    layout = torch.channels_last
    plotted = Plotted({"val_dice_ed": "ED", "val_dice_es": "ES"}, "validation Dice", top=1.0)

    def __init__(self, recipe: SegmentationRecipe, data: Path) -> None:
        """`InputError` for a data set whose tracings cannot be read."""
        self.recipe = recipe
        self.title = f"{recipe.network}, width {recipe.width:g}"
        self.frames, self.period = 1, 1
        self.described: Mapping[str, Any] = {
            "task": SEGMENTATION,
            "architecture": recipe.network,
            "width": recipe.width,
        }
        self.labels: Mapping[str, str] = {
            "file_list_sha256": "FileList.csv",
            "tracings_sha256": TRACINGS_FILE,
        }
        self._tracings = read_tracings(data)

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        network = build_segmentation(self.recipe.network, self.recipe.width)
        if weights is not None:
            load_weights(network, self.recipe.network, weights)
        return network

    def examples(self, videos: Sequence[LabelledVideo], spec: PreprocessSpec) -> TracedFrames:
        recipe = self.recipe
        pad = recipe.pad if recipe.crop else 0
        return TracedFrames(
            videos, self._tracings, spec, pad=pad, seed=recipe.seed, look=recipe.look
        )

    def predict(self, network: nn.Module, inputs: Tensor) -> Tensor:
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.recipe.bf16):
            # Each in a pass of its own, as published: batch norms measure one phase at a time.
            logits = [network(inputs[:, :, phase])["out"][:, 0].float() for phase in (0, 1)]
        return torch.stack(logits, dim=1)

    def loss(self, answers: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        """As published: the sum over all pixels, mean of both frames. Shown per pixel."""
        mean = binary_cross_entropy_with_logits(answers, truth)
        return mean * truth[:, 0].numel(), mean

    def measure(self, answers: Tensor, truth: Tensor) -> Measured:
        loss = finite(self.loss(answers, truth)[1], "validation")
        found, true = answers > 0, truth > 0
        ed, es = (dice(found[:, phase], true[:, phase]) for phase in (0, 1))
        both = dice(found, true)
        values = {"val_loss": loss, "val_dice": both, "val_dice_ed": ed, "val_dice_es": es}
        return Measured(values, 1 - both, f"Dice {both:.3f} (ED {ed:.3f}, ES {es:.3f})")


def dice(found: Tensor, true: Tensor) -> float:
    """Dice coefficient of two sets of pixels, as published: over all pixels of all frames."""
    inter, union = int((found & true).sum()), int((found | true).sum())
    return 2 * inter / (union + inter)
