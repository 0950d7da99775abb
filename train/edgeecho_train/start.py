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
from edgeecho.common.errors import EngineError, UsageError
from edgeecho.common.files import make_folder, sha256_file, write_json
from edgeecho.dataset import LabelledVideo, describe_dataset, read_dataset
from edgeecho.dataset.reference import REFERENCE_FILE, save_reference_clips, select_reference_clips
from edgeecho.preprocess import PreprocessSpec
from edgeecho_train.checkpoint import load_checkpoint
from edgeecho_train.data import ClipDataset, training_batches
from edgeecho_train.initial import build_network, read_initial
from edgeecho_train.loop import run
from edgeecho_train.network import ARCHITECTURE
from edgeecho_train.recipe import TrainingRecipe
from edgeecho_train.stats import channel_statistics
from edgeecho_train.training import Training

# With up to 16 frames, a temporal convolution sees two steps, and oneDNN's bfloat16 weight gradient
# is then uninitialised memory (torch 2.14.1, oneDNN 3.12, AMD with avx512_bf16; 1, 3 and 4 steps
# are right).
_BF16_SHORT = 16


def train(
    data: Path,
    out: Path,
    recipe: TrainingRecipe,
    *,
    resume: bool,
    device: str,
    workers: int,
    init: str,
) -> None:
    """Run `recipe` on the TRAIN and VAL rows of `data`, and write everything into `out`.

    `init` is `random`, `kinetics` or a checkpoint file. `UsageError` for an existing run without
    `resume` or with another recipe, `InputError` and `ModelError` for unusable data and
    checkpoints, `EngineError` for a missing device.
    """
    videos = {split: read_dataset(data, split=split) for split in ("TRAIN", "VAL")}
    target = _device(device)
    if recipe.bf16 and target.type == "cpu" and recipe.frames <= _BF16_SHORT:
        raise UsageError(f"--bf16 on a CPU needs --frames above {_BF16_SHORT}: leave it out")
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
    weights, origin, before = read_initial(init)
    recipe = replace(recipe, init=origin)
    network = build_network(recipe.width, weights)
    if last.exists():
        saved = load_checkpoint(last)
        _check_same(saved["provenance"], recipe, data)
        facts = {k: saved[k] for k in ("preprocess", "provenance", "reference_clips")}
        spec = PreprocessSpec.from_dict(facts["preprocess"])
    else:
        saved = None
        spec = _spec(videos["TRAIN"], recipe)
        facts = _facts(data, videos, spec, recipe, before)
        make_folder(out)
        facts["reference_clips"] = _reference(out, videos["VAL"], spec)
        write_json(out / "run.json", facts)
    batches = training_batches(len(videos["TRAIN"]), recipe.batch_size, seed=0, epoch=0)
    training = Training(network, recipe, batches_per_epoch=len(batches), device=target)
    if saved is not None:
        training.restore(saved)
    datasets = [
        ClipDataset(videos[s], spec, pad=recipe.pad, seed=recipe.seed) for s in ("TRAIN", "VAL")
    ]
    words.print(
        f"{ARCHITECTURE}, width {recipe.width:g}, {sum(p.numel() for p in network.parameters()):,} "
        f"parameters, on {target}; {len(videos['TRAIN'])} training and {len(videos['VAL'])} "
        f"validation videos; {training.position.epoch} of {recipe.epochs} epochs done"
    )
    run(training, *datasets, out=out, facts=facts, workers=workers)


def _spec(videos: Sequence[LabelledVideo], recipe: TrainingRecipe) -> PreprocessSpec:
    statistics = channel_statistics(videos, size=recipe.size, time=recipe.time, seed=recipe.seed)
    rates = [video.fps for video in videos if video.fps]
    return PreprocessSpec(
        mean=statistics.mean,
        std=statistics.std,
        frames=recipe.frames,
        period=recipe.period,
        size=recipe.size,
        time=recipe.time,
        training_fps=median(rates) if rates else statistics.fps,
    )


def _reference(
    out: Path, videos: Sequence[LabelledVideo], spec: PreprocessSpec
) -> dict[str, Any] | None:
    reference = select_reference_clips(videos, spec)
    if reference is None:
        words.print("every validation video is shorter than a clip: no reference clips kept")
        return None
    digest = save_reference_clips(out / REFERENCE_FILE, reference)
    return {"file": REFERENCE_FILE, "sha256": digest, "n": len(reference.clips)}


def _facts(
    data: Path,
    videos: dict[str, tuple[LabelledVideo, ...]],
    spec: PreprocessSpec,
    recipe: TrainingRecipe,
    before: tuple[str, ...],
) -> dict[str, Any]:
    packages = ("edgeecho", "torch", "torchvision", "numpy", "opencv-python-headless")
    return {
        "preprocess": spec.to_dict(),
        "provenance": {
            "recipe": recipe.to_dict(),
            "data": {
                "description": describe_dataset(data),
                "file_list_sha256": sha256_file(data / "FileList.csv"),
                **{f"n_{split.lower()}": len(rows) for split, rows in videos.items()},
                "before": list(before),
            },
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in packages},
            },
        },
    }


def _check_same(provenance: dict[str, Any], recipe: TrainingRecipe, data: Path) -> None:
    saved, asked = provenance["recipe"], recipe.to_dict()
    changed = [f"{k} {saved.get(k)} -> {asked[k]}" for k in asked if saved.get(k) != asked[k]]
    if changed:
        raise UsageError(
            f"the run to resume had other options ({', '.join(changed)}): "
            "give the same ones, or start a new run with another --out"
        )
    if provenance["data"]["file_list_sha256"] != sha256_file(data / "FileList.csv"):
        raise UsageError("the run to resume was trained on other data: give the same FileList.csv")
    # The description includes the choice of folds.
    if (told := provenance["data"]["description"]) != (now := describe_dataset(data)):
        raise UsageError(
            f"the run to resume was trained on other data ({told}; now {now}): give the same ones"
        )


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name not in ("cpu", "cuda"):
        raise UsageError(f"--device {name!r} is not known: choose auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise EngineError("--device cuda: torch sees no CUDA device; use --device cpu")
    return torch.device(name)
