"""Starting or resuming a training run from a data set and a recipe."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import torch

from edgeecho.common.console import words
from edgeecho.common.cpu import usable_cores
from edgeecho.common.errors import EngineError, UsageError
from edgeecho.common.files import make_folder, sha256_file, write_json
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import load_checkpoint
from edgeecho_train.data import Examples, training_batches
from edgeecho_train.ef import EF, keep_reference_clips
from edgeecho_train.initial import read_initial
from edgeecho_train.loop import run
from edgeecho_train.recipe import Recipe, SegmentationRecipe, TrainingRecipe
from edgeecho_train.segmentation.task import Segmentation
from edgeecho_train.stats import channel_statistics
from edgeecho_train.task import Task
from edgeecho_train.training import Training


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    resume: bool,
    device: str,
    workers: int | None,
    init: str,
    like: PreprocessSpec | None = None,
) -> None:
    """Run `recipe` on the TRAIN and VAL rows of `data`, and write everything into `out`.

    `init` is `random`, `kinetics` or a checkpoint file. Mean and std are those of `like`; without
    it, of the TRAIN videos. `workers` processes decode videos; None: as many as `_workers` says.
    `UsageError` for an existing run without
    `resume` or with another recipe, `InputError` and `ModelError` for unusable data and
    checkpoints, `EngineError` for a missing device.
    """
    videos = {split: read_dataset(data, split=split) for split in ("TRAIN", "VAL")}
    target = _device(device)
    task = _task(recipe, data, target)
    last = out / "last.pt"
    if not resume and last.exists():
        raise UsageError(f"{out} holds a run: add --resume to continue it, or choose another --out")
    if resume and not last.exists() and not (out / "run.json").exists():
        raise UsageError(f"{out} holds no run to resume: check --out, or leave --resume out")
    if recipe.freeze_batch_norm and init == "random":
        raise UsageError(
            "--freeze-batch-norm keeps statistics, and random weights have none: give --init"
        )
    torch.manual_seed(recipe.seed)
    weights, origin, before = read_initial(init, recipe.task)
    recipe = replace(recipe, init=origin)
    network = task.build(weights)
    if last.exists():
        saved = load_checkpoint(last, recipe.task)
        _check_same(saved["provenance"], recipe, _origin(data, task))
        facts = {k: saved[k] for k in ("preprocess", "provenance", "reference_clips")}
        spec = PreprocessSpec.from_dict(facts["preprocess"])
    else:
        saved, facts = None, {}
        spec = _spec(videos["TRAIN"], recipe, task, like)
    examples = {split: task.examples(rows, spec) for split, rows in videos.items()}
    if not facts:
        facts = _facts(_origin(data, task), examples, spec, recipe, before)
        make_folder(out)
        # A segmentation is compared on frames of the EF network's clips.
        is_ef = isinstance(task, EF)
        facts["reference_clips"] = keep_reference_clips(out, videos["VAL"], spec) if is_ef else None
        write_json(out / "run.json", facts)
    batches = training_batches(len(examples["TRAIN"]), recipe.batch_size, seed=0, epoch=0)
    training = Training(network, recipe, task, batches_per_epoch=len(batches), device=target)
    if saved is not None:
        training.restore(saved)
    words.print(
        f"{task.title}, {sum(p.numel() for p in network.parameters()):,} parameters, on {target}; "
        f"{examples['TRAIN'].videos_used} training and {examples['VAL'].videos_used} validation "
        "videos; "
        f"{training.position.epoch} of {recipe.epochs} epochs done"
    )
    run(
        training,
        examples["TRAIN"],
        examples["VAL"],
        out=out,
        facts=facts,
        workers=_workers(target) if workers is None else workers,
    )


def _spec(
    videos: Sequence[LabelledVideo], recipe: Recipe, task: Task, like: PreprocessSpec | None
) -> PreprocessSpec:
    rates = [video.fps for video in videos if video.fps]
    known: dict[str, Any] = {
        "frames": task.frames,
        "period": task.period,
        "training_fps": median(rates) if rates else None,
    }
    if like is not None:
        return replace(like, **known)
    statistics = channel_statistics(videos, size=recipe.size, time=recipe.time, seed=recipe.seed)
    return PreprocessSpec(
        mean=statistics.mean,
        std=statistics.std,
        size=recipe.size,
        time=recipe.time,
        **{**known, "training_fps": known["training_fps"] or statistics.fps},
    )


def _origin(data: Path, task: Task) -> dict[str, str]:
    """What must be the same when a run is resumed; the description includes the choice of folds."""
    hashes = {name: sha256_file(data / file) for name, file in task.labels.items()}
    return {"description": describe_dataset(data), **hashes}


def _facts(
    origin: dict[str, str],
    examples: dict[str, Examples],
    spec: PreprocessSpec,
    recipe: Recipe,
    before: tuple[str, ...],
) -> dict[str, Any]:
    packages = ("edgeecho", "torch", "torchvision", "numpy", "opencv-python-headless")
    left_out = {split: dict(found.left_out) for split, found in examples.items() if found.left_out}
    return {
        "preprocess": spec.to_dict(),
        "provenance": {
            "recipe": recipe.to_dict(),
            "data": {
                **origin,
                **{f"n_{split.lower()}": found.videos_used for split, found in examples.items()},
                **({"left_out": left_out} if left_out else {}),
                "before": list(before),
            },
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in packages},
            },
        },
    }


def _check_same(provenance: dict[str, Any], recipe: Recipe, origin: dict[str, str]) -> None:
    saved, asked = provenance["recipe"], recipe.to_dict()
    changed = [f"{k} {saved.get(k)} -> {asked[k]}" for k in asked if saved.get(k) != asked[k]]
    if changed:
        raise UsageError(
            f"the run to resume had other options ({', '.join(changed)}): "
            "give the same ones, or start a new run with another --out"
        )
    for name, now in origin.items():
        if (told := provenance["data"].get(name)) != now:
            raise UsageError(
                f"the run to resume was trained on other data ({name} {told}; now {now}): "
                "give the same data set"
            )


def _task(recipe: Recipe, data: Path, device: torch.device) -> Task:
    if isinstance(recipe, SegmentationRecipe):
        return Segmentation(recipe, data)
    assert isinstance(recipe, TrainingRecipe)
    return EF(recipe, data, device)


def _workers(device: torch.device) -> int:
    """So many that a GPU need not wait: an H100 trained 18 clips/s, busy for 5 %, beside one."""
    return 1 if device.type == "cpu" else min(max(usable_cores() - 1, 1), 8)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise UsageError(f"--device {name!r} is not known: choose auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no CUDA device; use --device cpu")
    return torch.device(name)
