"""The training loop: resumable at any batch; writes the best and last checkpoint and a log."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgeecho.bundle import Skill
from edgeecho.common.console import progress_bar, words
from edgeecho.common.errors import UsageError
from edgeecho.tools.evaluate import EFMetrics
from edgeecho_train.checkpoint import save_checkpoint
from edgeecho_train.data import ClipDataset, loader, training_batches, validation_batches
from edgeecho_train.log import write_log
from edgeecho_train.training import Training

_SNAPSHOT_SECONDS = 120.0


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
        metrics, skill = _validate(training, validation, facts=facts, workers=workers)
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
            _save(out / "best.pt", training, facts, skill)
        # Written before last.pt: a run that is killed in between rewrites the log.
        write_log(out, position.history)
        _save(out / "last.pt", training, facts, skill, run=True)
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
                _save(out / "last.pt", training, facts, None, run=True)
                snapshot = now
            progress.advance(task)


@torch.no_grad()
def _validate(
    training: Training, data: ClipDataset, *, facts: dict[str, Any], workers: int
) -> tuple[dict[str, Any], Skill]:
    """Metrics and skill on one clip of each validation video.

    The best epoch is chosen by its loss on the same clips, so its skill is a little too good.
    """
    training.network.eval()
    answers: list[Tensor] = []
    truth: list[Tensor] = []
    batches = validation_batches(len(data), training.recipe.batch_size)
    for clips, efs in loader(data, batches, workers=workers):
        answers.append(training.predict(clips).cpu())
        truth.append(efs)
    ef, label = torch.cat(answers), torch.cat(truth)
    loss = float(training.loss(ef, label))
    if not math.isfinite(loss):
        raise UsageError(f"the validation loss is {loss}: start again with a lower --lr")
    predicted, labels = ef.double().numpy(), label.double().numpy()
    metrics = EFMetrics.of(predicted, labels)
    skill = Skill.of(
        predicted,
        labels,
        data=f"VAL videos of: {facts['provenance']['data']['description']}",
        how="a random clip each, while it was trained",
    )
    values = {
        "val_loss": loss,
        "val_mae": metrics.mae,
        "val_correlation": metrics.correlation,
    }
    return values, skill


def _save(
    path: Path,
    training: Training,
    facts: dict[str, Any],
    skill: Skill | None,
    *,
    run: bool = False,
) -> None:
    """Write a checkpoint; `skill` is that of these very weights, None if it was not measured."""
    history = training.position.history
    provenance = {
        **facts["provenance"],
        "result": history[-1:],
        "skill": skill and asdict(skill),
    }
    value = {**facts, "provenance": provenance}
    save_checkpoint(path, training.network, {**value, "run": training.state()} if run else value)
