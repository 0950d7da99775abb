"""The training loop: resumable at any batch; writes the best and last checkpoint and a log."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from edgeecho.bundle import Skill
from edgeecho.common.console import progress_bar, words
from edgeecho_train.checkpoint import save_checkpoint
from edgeecho_train.data import Examples, loader, training_batches, validation_batches
from edgeecho_train.log import write_log
from edgeecho_train.task import Measured
from edgeecho_train.training import Training

_SNAPSHOT_SECONDS = 120.0


def run(
    training: Training,
    train: Examples,
    validation: Examples,
    *,
    out: Path,
    facts: dict[str, Any],
    workers: int,
) -> None:
    """Train up to the recipe's last epoch; write checkpoints and log into `out`."""
    recipe, position = training.recipe, training.position
    while position.epoch < recipe.epochs:
        _train_epoch(training, train, out=out, facts=facts, workers=workers)
        found = _validate(training, validation, workers=workers)
        position.history.append(
            {
                "epoch": position.epoch + 1,
                "train_loss": position.loss_sum / position.batch,
                **found.values,
                "lr": training.optimizer.param_groups[0]["lr"],
                "seconds": round(position.seconds, 1),
            }
        )
        if recipe.schedule == "step":
            training.schedule.step()
        improved = found.score < position.best_loss
        position.best_loss = min(position.best_loss, found.score)
        position.epoch += 1
        position.batch, position.loss_sum, position.seconds = 0, 0.0, 0.0
        if improved:
            _save(out / "best.pt", training, facts, found.skill)
        # Written before last.pt: a run that is killed in between rewrites the log.
        write_log(out, position.history, training.task.plotted)
        _save(out / "last.pt", training, facts, found.skill, run=True)
        row = position.history[-1]
        words.print(
            f"epoch {row['epoch']}/{recipe.epochs}: train loss {row['train_loss']:.3f}, "
            f"validation loss {row['val_loss']:.3f}, {found.words}, {row['seconds']:.0f} s"
            + (" (best so far)" if improved else "")
        )


def _train_epoch(
    training: Training, data: Examples, *, out: Path, facts: dict[str, Any], workers: int
) -> None:
    recipe, position = training.recipe, training.position
    batches = training_batches(len(data), recipe.batch_size, seed=recipe.seed, epoch=position.epoch)
    training.train_mode()
    snapshot = last = time.monotonic()
    with progress_bar() as progress:
        task = progress.add_task(
            f"epoch {position.epoch + 1}", total=len(batches), completed=position.batch
        )
        for inputs, truth in loader(data, batches[position.batch :], workers=workers):
            position.loss_sum += training.step(inputs, truth)
            position.batch += 1
            now = time.monotonic()
            position.seconds += now - last
            last = now
            if now - snapshot > _SNAPSHOT_SECONDS:
                _save(out / "last.pt", training, facts, None, run=True)
                snapshot = now
            progress.advance(task)


@torch.no_grad()
def _validate(training: Training, data: Examples, *, workers: int) -> Measured:
    """What the network is worth on the validation videos, without augmentation."""
    training.network.eval()
    answers: list[Tensor] = []
    truth: list[Tensor] = []
    batches = validation_batches(len(data), training.recipe.batch_size)
    for inputs, true in loader(data, batches, workers=workers):
        answers.append(training.predict(inputs).cpu())
        truth.append(true)
    return training.task.measure(torch.cat(answers), torch.cat(truth))


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
    value = {**training.task.described, **facts, "provenance": provenance}
    save_checkpoint(path, training.network, {**value, "run": training.state()} if run else value)
