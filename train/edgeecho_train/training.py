"""The state of a training run: network, optimizer, schedule and position."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from edgeecho.common.errors import UsageError
from edgeecho_train.network import R2Plus1D18
from edgeecho_train.recipe import TrainingRecipe


@dataclass
class Position:
    """The progress of a run, saved in `last.pt`."""

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    """Time spent in the current epoch in s."""
    best_loss: float = float("inf")
    history: list[dict[str, Any]] = field(default_factory=list)


class Training:
    """A training run: network, optimizer, schedule and position."""

    def __init__(
        self,
        network: R2Plus1D18,
        recipe: TrainingRecipe,
        *,
        batches_per_epoch: int,
        device: torch.device,
    ) -> None:
        self.recipe = recipe
        self.device = device
        self.position = Position()
        # Three times as fast as the default layout on a CPU, and what tensor cores prefer.
        self.network = network.to(device).to(memory_format=torch.channels_last_3d)
        self.optimizer = _optimizer(network, recipe)
        self.schedule = _schedule(self.optimizer, recipe, batches_per_epoch)
        self.loss: nn.Module = nn.MSELoss() if recipe.loss == "mse" else nn.SmoothL1Loss()

    def state(self) -> dict[str, Any]:
        """Everything that a resumed run needs, except for the weights."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "position": vars(self.position).copy(),
        }

    def restore(self, checkpoint: dict[str, Any]) -> None:
        """Restore the state from a `last.pt` checkpoint."""
        self.network.load_state_dict(checkpoint["state_dict"])
        self.optimizer.load_state_dict(checkpoint["run"]["optimizer"])
        self.schedule.load_state_dict(checkpoint["run"]["schedule"])
        self.position = Position(**checkpoint["run"]["position"])

    def train_mode(self) -> None:
        """Set the network to training mode, except for frozen batch norms."""
        self.network.train()
        if self.recipe.freeze_batch_norm:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm3d):
                    module.eval()

    def predict(self, clips: Tensor) -> Tensor:
        """Predict the EFs of a batch, in bfloat16 if the recipe says so."""
        clips = clips.to(self.device, memory_format=torch.channels_last_3d)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.bf16):
            features = self.network.features(clips)
        # The head stays in float32, because bfloat16 has steps of 0.25 near 50.
        return self.network.head(features.float())

    def step(self, clips: Tensor, efs: Tensor) -> float:
        """Do an optimizer step and return the batch's mean loss; `UsageError` if not finite."""
        self.optimizer.zero_grad(set_to_none=True)
        loss: Tensor = self.loss(self.predict(clips), efs.to(self.device))
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.recipe.schedule == "onecycle":
            self.schedule.step()
        value = loss.item()
        if not math.isfinite(value):
            raise UsageError(f"the training loss is {value}: start again with a lower --lr")
        return value


def _optimizer(network: nn.Module, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
        )
    return torch.optim.AdamW(network.parameters(), recipe.lr, weight_decay=recipe.weight_decay)


def _schedule(
    optimizer: torch.optim.Optimizer, recipe: TrainingRecipe, batches: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if recipe.schedule == "step":
        return torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.1)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * batches
    )
