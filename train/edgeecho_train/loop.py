"""The training loop: resumable at any batch; writes the best and last checkpoint and a log."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from edgeecho.common.console import progress_bar, words
from edgeecho.common.errors import UsageError
from edgeecho.tools.evaluate import Metrics
from edgeecho_train.checkpoint import save_checkpoint
from edgeecho_train.data import ClipDataset, loader, training_batches, validation_batches
from edgeecho_train.log import write_log
from edgeecho_train.network import R2Plus1D18
from edgeecho_train.recipe import Recipe

_SNAPSHOT_SECONDS = 120.0


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
        self, network: R2Plus1D18, recipe: Recipe, *, batches_per_epoch: int, device: torch.device
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


def run(
    training: Training,
    train: ClipDataset,
    validation: ClipDataset,
    *,
    out: Path,
    facts: dict[str, Any],
    workers: int,
) -> None:
    """Train up to the recipe's last epoch; write checkpoints and log into `out`."""
    recipe, position = training.recipe, training.position
    while position.epoch < recipe.epochs:
        _train_epoch(training, train, out=out, facts=facts, workers=workers)
        metrics = _validate(training, validation, workers=workers)
        position.history.append(
            {
                "epoch": position.epoch + 1,
                "train_loss": position.loss_sum / position.batch,
                **metrics,
                "lr": training.optimizer.param_groups[0]["lr"],
                "seconds": round(position.seconds, 1),
            }
        )
        if recipe.schedule == "step":
            training.schedule.step()
        improved = metrics["val_loss"] < position.best_loss
        position.best_loss = min(position.best_loss, metrics["val_loss"])
        position.epoch += 1
        position.batch, position.loss_sum, position.seconds = 0, 0.0, 0.0
        if improved:
            _save(out / "best.pt", training, facts)
        # Written before last.pt: a run that is killed in between rewrites the log.
        write_log(out, position.history)
        _save(out / "last.pt", training, facts, run=True)
        row = position.history[-1]
        words.print(
            f"epoch {row['epoch']}/{recipe.epochs}: train loss {row['train_loss']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, MAE {row['val_mae']:.2f} EF points, "
            + ("" if row["val_correlation"] is None else f"r {row['val_correlation']:.3f}, ")
            + f"{row['seconds']:.0f} s"
            + (" (best so far)" if improved else "")
        )


def _train_epoch(
    training: Training, data: ClipDataset, *, out: Path, facts: dict[str, Any], workers: int
) -> None:
    recipe, position = training.recipe, training.position
    batches = training_batches(len(data), recipe.batch_size, seed=recipe.seed, epoch=position.epoch)
    training.train_mode()
    snapshot = last = time.monotonic()
    with progress_bar() as progress:
        task = progress.add_task(
            f"epoch {position.epoch + 1}", total=len(batches), completed=position.batch
        )
        for clips, efs in loader(data, batches[position.batch :], workers=workers):
            position.loss_sum += training.step(clips, efs)
            position.batch += 1
            now = time.monotonic()
            position.seconds += now - last
            last = now
            if now - snapshot > _SNAPSHOT_SECONDS:
                _save(out / "last.pt", training, facts, run=True)
                snapshot = now
            progress.advance(task)


@torch.no_grad()
def _validate(training: Training, data: ClipDataset, *, workers: int) -> dict[str, Any]:
    training.network.eval()
    predicted: list[Tensor] = []
    truth: list[Tensor] = []
    batches = validation_batches(len(data), training.recipe.batch_size)
    for clips, efs in loader(data, batches, workers=workers):
        predicted.append(training.predict(clips).cpu())
        truth.append(efs)
    ef, label = torch.cat(predicted), torch.cat(truth)
    loss = float(training.loss(ef, label))
    if not math.isfinite(loss):
        raise UsageError(f"the validation loss is {loss}: start again with a lower --lr")
    metrics = Metrics.of(ef.double().numpy(), label.double().numpy())
    return {
        "val_loss": loss,
        "val_mae": metrics.mae,
        "val_correlation": metrics.correlation,
    }


def _save(path: Path, training: Training, facts: dict[str, Any], *, run: bool = False) -> None:
    history = training.position.history
    value = {**facts, "provenance": {**facts["provenance"], "result": history[-1:]}}
    save_checkpoint(path, training.network, {**value, "run": training.state()} if run else value)


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
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.lr, total_steps=recipe.epochs * batches
    )
