"""`edgeecho train` and `edgeecho stats`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.common.errors import UsageError
from edgeecho_train.recipe import SegmentationRecipe, TrainingRecipe

train_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
stats_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Data = Annotated[Path, typer.Argument(help="Folder with FileList.csv and Videos/.")]
_published = TrainingRecipe()


# What a recipe file says takes no options beside it.
_ELSEWHERE = ("data", "out", "recipe", "resume", "init", "device", "workers")
_TASKS = ("ef", "segmentation")


@train_app.command()
def train(
    context: typer.Context,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the run: checkpoints, log, curves.")],
    recipe: Annotated[
        Path | None,
        typer.Option(
            help=r"TOML file with \[common] and [\[stage]]s instead of the options below."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out.")] = False,
    task: Annotated[
        str, typer.Option(help="ef, or segmentation: masks, from VolumeTracings.csv.")
    ] = "ef",
    network: Annotated[
        str | None,
        typer.Option(help="Of a segmentation: lraspp_mobilenet_v3_large or deeplabv3_resnet50."),
    ] = None,
    width: Annotated[
        float, typer.Option(min=0.0625, max=1, help="Channel factor; 0.25: a 16th of the weights.")
    ] = _published.width,
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="EF_NETWORK",
            help="Of a segmentation: mean, std, size and time base of this checkpoint or bundle.",
        ),
    ] = None,
    init: Annotated[
        str, typer.Option(help="random, kinetics (published; downloads) or a checkpoint file.")
    ] = _published.init,
    frames: Annotated[int, typer.Option(min=8, help="Frames in a clip.")] = _published.frames,
    period: Annotated[int, typer.Option(min=1, help="Every N-th frame.")] = _published.period,
    size: Annotated[int, typer.Option(min=32, help="Height and width.")] = _published.size,
    resample: Annotated[
        float | None,
        typer.Option(min=1, max=1000, help="Bring videos to so many frames/s; default: native."),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1)] = _published.epochs,
    batch_size: Annotated[int, typer.Option(min=1)] = _published.batch_size,
    optimizer: Annotated[str, typer.Option(help="sgd or adamw.")] = _published.optimizer,
    lr: Annotated[float, typer.Option(min=0, help="Highest learning rate.")] = _published.lr,
    weight_decay: Annotated[float, typer.Option(min=0)] = _published.weight_decay,
    schedule: Annotated[
        str, typer.Option(help="step, onecycle or constant.")
    ] = _published.schedule,
    loss: Annotated[str, typer.Option(help="mse or smooth-l1.")] = _published.loss,
    bf16: Annotated[bool, typer.Option("--bf16", help="Forward pass in bfloat16.")] = False,
    freeze_batch_norm: Annotated[
        bool, typer.Option("--freeze-batch-norm", help="Keep the statistics that --init brings.")
    ] = False,
    look: Annotated[
        bool, typer.Option("--look", help="Random greys, grain, shadows and sectors; unpublished.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0)] = _published.seed,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes that decode videos; default: 1, on a GPU all cores but one, 8 at most.",
        ),
    ] = None,
) -> None:
    """Train r2plus1d_18 to regress EF. The defaults are the published recipe.

    With --task segmentation, train a network that finds the left ventricle in each frame. What is
    not given is then as in that network's own recipe, whatever defaults are shown here, and
    --recipe, --frames, --period, --loss and --workers do not apply.
    """
    if task not in _TASKS:
        raise UsageError(f"--task {task!r} is not known: choose {' or '.join(_TASKS)}")
    if task == "segmentation":
        _train_segmentation(context, data, out)
        return
    for name, value in (("network", network), ("like", like)):
        if value is not None:
            raise UsageError(
                f"--{name} is an option of --task segmentation: add that, or leave it out"
            )
    if recipe is not None:
        _train_stages(context, data, out, recipe, resume, device, workers, init)
        return
    options = TrainingRecipe(
        width=width, frames=frames, period=period, size=size,
        time="native" if resample is None else f"resample({resample:g})", epochs=epochs,
        batch_size=batch_size, optimizer=optimizer, lr=lr, weight_decay=weight_decay,
        schedule=schedule, loss=loss, bf16=bf16, seed=seed,
        freeze_batch_norm=freeze_batch_norm, look=look,
    )  # fmt: skip
    from edgeecho_train.start import train as start

    start(data, out, options, resume=resume, device=device, workers=workers, init=init)


def _train_segmentation(context: typer.Context, data: Path, out: Path) -> None:
    given = {name: value for name, value in context.params.items() if _given(context, name)}
    if "recipe" in given:
        raise UsageError("--recipe is an option of --task ef: leave it out")
    rate = given.pop("resample", None)
    if rate is not None:
        given["time"] = f"resample({rate:g})"
    spec = None
    if (like := given.pop("like", None)) is not None:
        if twice := given.keys() & {"size", "time"}:
            name = "size" if "size" in twice else "resample"
            raise UsageError(f"--{name} is what --like says: leave one of them out")
        from edgeecho_train.like import read_like

        spec, origin = read_like(like)
        given |= {"like": origin, "size": spec.size, "time": spec.time}
    network = given.pop("network", SegmentationRecipe.network)
    init, device = given.pop("init", "random"), given.pop("device", "auto")
    resume = given.pop("resume", False)
    for name in ("data", "out", "task"):
        given.pop(name, None)
    recipe = SegmentationRecipe.of(network, given)
    from edgeecho_train.start import train as start

    start(data, out, recipe, resume=resume, device=device, workers=0, init=init, like=spec)


def _train_stages(
    context: typer.Context,
    data: Path,
    out: Path,
    recipe: Path,
    resume: bool,
    device: str,
    workers: int | None,
    init: str,
) -> None:
    given = [name for name in context.params if name not in _ELSEWHERE and _given(context, name)]
    if given:
        raise UsageError(
            f"--{given[0].replace('_', '-')} is the recipe's to say: "
            f"write it into {recipe}, or leave --recipe out"
        )
    from edgeecho_train.stages import read_stages, train_stages

    best = train_stages(
        data, out, read_stages(recipe), resume=resume, device=device, workers=workers, init=init
    )
    typer.echo(f"best checkpoint of the last stage: {best}", err=True)


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@stats_app.command()
def stats(
    data: Data,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Mean and std of the training split as JSON, computed as published."""
    import json
    from dataclasses import asdict

    from edgeecho.dataset import read_dataset
    from edgeecho_train.stats import channel_statistics

    statistics = channel_statistics(read_dataset(data, split="TRAIN"), seed=seed)
    typer.echo(json.dumps(asdict(statistics)))
