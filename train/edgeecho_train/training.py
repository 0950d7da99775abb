"""The state of a training run: network, optimizer, schedule and position."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from edgeecho_train.recipe import Recipe
from edgeecho_train.task import Task, finite


@dataclass
class Position:
    """The progress of a run, saved in `last.pt`."""

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0
    """Time spent in the current epoch in s."""
    best_loss: float = float("inf")
    """Lowest `Measured.score` of an epoch."""
    history: list[dict[str, Any]] = field(default_factory=list)


class Training:
    """A training run: network, optimizer, schedule and position."""

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        task: Task,
        *,
        batches_per_epoch: int,
        device: torch.device,
    ) -> None:
        self.recipe = recipe
        self.task = task
        self.device = device
        self.position = Position()
        self.network = network.to(device)
        self.network.to(memory_format=task.layout)
        self.optimizer = _optimizer(network, recipe)
        self.schedule = _schedule(self.optimizer, recipe, batches_per_epoch)

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
                if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                    module.eval()

    def predict(self, inputs: Tensor) -> Tensor:
        """The network's answers to a batch, in bfloat16 if the recipe says so."""
        inputs = inputs.to(self.device, memory_format=torch.channels_last_3d)
        return self.task.predict(self.network, inputs)

    def step(self, inputs: Tensor, truth: Tensor) -> float:
        """Do an optimizer step and return the batch's mean loss; `UsageError` if not finite."""
        # Dropout, where a network has it, is a function of the batch alone, as the batch itself is.
        place = (self.recipe.seed, self.position.epoch, self.position.batch)
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))
        self.optimizer.zero_grad(set_to_none=True)
        objective, loss = self.task.loss(self.predict(inputs), truth.to(self.device))
        objective.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.recipe.schedule == "onecycle":
            self.schedule.step()
        return finite(loss, "training")


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(), recipe.lr, momentum=0.9, weight_decay=recipe.weight_decay
        )
    return torch.optim.AdamW(network.parameters(), recipe.lr, weight_decay=recipe.weight_decay)


def _schedule(
    optimizer: torch.optim.Optimizer, recipe: Recipe, batches: int
) -> torch.optim.lr_scheduler.LRScheduler:
    if recipe.schedule == "step":
        return torch.optim.lr_scheduler.StepLR(optimizer, step_size=15, gamma=0.1)
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * batches
    )
