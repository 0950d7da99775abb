"""The history of a run as a CSV file and a plot."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeecho.common.files import atomic_path
from edgeecho_train.task import Plotted


def write_log(folder: Path, history: Sequence[dict[str, Any]], plotted: Plotted) -> None:
    """Write `log.csv` and `loss.png` from the whole history, atomically."""
    with (
        atomic_path(folder / "log.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as stream,
    ):
        writer = csv.DictWriter(stream, list(history[0]))
        writer.writeheader()
        writer.writerows(history)
    with atomic_path(folder / "loss.png") as temporary:
        _draw(temporary, history, plotted)


def _draw(path: Path, history: Sequence[dict[str, Any]], plotted: Plotted) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.5), layout="constrained")
    loss, measure = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for name, label in (("train_loss", "training"), ("val_loss", "validation")):
        loss.plot(epochs, [row[name] for row in history], marker=".", label=label)
    loss.set(xlabel="epoch", ylabel="loss", yscale="log")
    loss.yaxis.set_major_formatter("{x:g}")
    loss.yaxis.set_minor_formatter("{x:g}")
    loss.legend()
    for number, (name, label) in enumerate(plotted.columns.items(), 1):
        values = [row[name] for row in history]
        measure.plot(epochs, values, marker=".", color=f"C{number}", label=label)
    top = 1.1 * max(row[name] for row in history for name in plotted.columns)
    measure.set(xlabel="epoch", ylabel=plotted.axis, ylim=(0, plotted.top or top))
    if len(plotted.columns) > 1:
        measure.legend()
    for axis in (loss, measure):
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
    figure.savefig(path, dpi=110)
