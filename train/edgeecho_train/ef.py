"""The task EF: r2plus1d_18 learns the ejection fraction of a clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeecho.bundle import Skill
from edgeecho.common.console import words
from edgeecho.common.errors import UsageError
from edgeecho.dataset import LabelledVideo, describe_dataset
from edgeecho.dataset.reference import REFERENCE_FILE, save_reference_clips, select_reference_clips
from edgeecho.preprocess import PreprocessSpec
from edgeecho.tools.evaluate import EFMetrics
from edgeecho_train.data import ClipDataset
from edgeecho_train.initial import build_network
from edgeecho_train.network import ARCHITECTURE, R2Plus1D18
from edgeecho_train.recipe import TrainingRecipe
from edgeecho_train.task import Measured, Plotted, finite

# With up to 16 frames, a temporal convolution sees two steps, and oneDNN's bfloat16 weight gradient
# is then uninitialised memory (torch 2.14.1, oneDNN 3.12, AMD with avx512_bf16; 1, 3 and 4 steps
# are right).
_BF16_SHORT = 16


class EF:
    """See `Task`."""

    # Three times as fast as the default layout on a CPU, and what tensor cores prefer.
    layout = torch.channels_last_3d
    plotted = Plotted({"val_mae": "validation"}, "validation MAE (EF points)")

    def __init__(self, recipe: TrainingRecipe, data: Path, device: torch.device) -> None:
        """`UsageError` for a recipe that cannot run there."""
        if recipe.bf16 and device.type == "cpu" and recipe.frames <= _BF16_SHORT:
            raise UsageError(f"--bf16 on a CPU needs --frames above {_BF16_SHORT}: leave it out")
        self.recipe = recipe
        self.title = f"{ARCHITECTURE}, width {recipe.width:g}"
        self.frames, self.period = recipe.frames, recipe.period
        self.described: Mapping[str, Any] = {"architecture": ARCHITECTURE, "width": recipe.width}
        self.labels: Mapping[str, str] = {"file_list_sha256": "FileList.csv"}
        self._data = describe_dataset(data)
        self._loss: nn.Module = nn.MSELoss() if recipe.loss == "mse" else nn.SmoothL1Loss()

    def build(self, weights: Mapping[str, Tensor] | None) -> nn.Module:
        network = build_network(self.recipe.width, weights)
        self.described = {**self.described, "width": network.width}  # which is rounded
        return network

    def examples(self, videos: Sequence[LabelledVideo], spec: PreprocessSpec) -> ClipDataset:
        recipe = self.recipe
        return ClipDataset(videos, spec, pad=recipe.pad, seed=recipe.seed, look=recipe.look)

    def predict(self, network: nn.Module, inputs: Tensor) -> Tensor:
        assert isinstance(network, R2Plus1D18)
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.recipe.bf16):
            features = network.features(inputs)
        # The head stays in float32, because bfloat16 has steps of 0.25 near 50.
        return network.head(features.float())

    def loss(self, answers: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
        loss = self._loss(answers, truth)
        return loss, loss

    def measure(self, answers: Tensor, truth: Tensor) -> Measured:
        """On one clip of each video.

        The best epoch is chosen by its loss on the same clips, so its skill is a little too good.
        """
        loss = finite(self._loss(answers, truth), "validation")
        predicted, labels = answers.double().numpy(), truth.double().numpy()
        metrics = EFMetrics.of(predicted, labels)
        values = {
            "val_loss": loss,
            "val_mae": metrics.mae,
            "val_correlation": metrics.correlation,
        }
        told = f"MAE {metrics.mae:.2f} EF points"
        if metrics.correlation is not None:
            told += f", r {metrics.correlation:.3f}"
        how = "a random clip each, while it was trained"
        skill = Skill.of(predicted, labels, data=f"VAL videos of: {self._data}", how=how)
        return Measured(values, loss, told, skill)


def keep_reference_clips(
    out: Path, videos: Sequence[LabelledVideo], spec: PreprocessSpec
) -> dict[str, Any] | None:
    """Write clips that export compares on, and describe their file; None if there are none."""
    reference = select_reference_clips(videos, spec)
    if reference is None:
        words.print("every validation video is shorter than a clip: no reference clips kept")
        return None
    digest = save_reference_clips(out / REFERENCE_FILE, reference)
    return {"file": REFERENCE_FILE, "sha256": digest, "n": len(reference.clips)}
