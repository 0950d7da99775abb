"""Data and runs that the tests of training a segmentation share."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import torch

from edgeecho.dataset import read_dataset
from edgeecho.dataset.tracings import read_tracings
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.recipe import SegmentationRecipe
from edgeecho_train.segmentation.frames import TracedFrames
from edgeecho_train.start import train

SPEC = PreprocessSpec((30.0,) * 3, (50.0,) * 3, frames=1, period=1)
TINY = SegmentationRecipe(size=32, epochs=2, batch_size=4, lr=1e-3)
OPTIONS = ("--task", "segmentation", "--size", 32, "--epochs", 2, "--batch-size", 4, "--lr", 1e-3)


def go(data: Path, out: Path, recipe: Any, *, resume: bool = False, init: str = "random") -> None:
    train(data, out, recipe, resume=resume, device="cpu", workers=0, init=init)


def load(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def rows(out: Path) -> list[dict[str, float]]:
    with (out / "log.csv").open(newline="") as stream:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(stream)]


def examples(
    data: Path, *, spec: PreprocessSpec = SPEC, pad: int = 0, look: bool = False
) -> TracedFrames:
    videos = read_dataset(data, split="TRAIN")
    return TracedFrames(videos, read_tracings(data), spec, pad=pad, seed=3, look=look)


def edit(data: Path, change: Any) -> None:
    file = data / "VolumeTracings.csv"
    with file.open(newline="") as stream:
        table = list(csv.DictReader(stream))
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(change(table))
