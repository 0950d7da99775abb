"""The history of a run as a CSV file and a plot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeecho.common.files import atomic_path

COLUMNS = ("epoch", "train_loss", "val_loss", "val_mae", "val_correlation", "lr", "seconds")


def write_log(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write `log.csv` and `loss.png` from the whole history, atomically."""
    with (
        atomic_path(folder / "log.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(history)
    with atomic_path(folder / "loss.png") as temporary:
        _draw(temporary, history)


def _draw(path: Path, history: Sequence[dict[str, Any]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    loss, error = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for name, label in (("train_loss", "training"), ("val_loss", "validation")):
        loss.plot(epochs, [row[name] for row in history], marker=".", label=label)
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("{x:g}")
    loss.legend()
    error.plot(epochs, [row["val_mae"] for row in history], marker=".", color="C1")
    top = 1.1 * max(row["val_mae"] for row in history)
    error.set(xlabel="epoch", ylabel="validation MAE (EF points)", ylim=(0, top))
    for axis in (loss, error):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
