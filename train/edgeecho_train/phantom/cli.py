"""`edgeecho phantom`: synthetic clips with a known EF. Imports nothing heavy until it runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def phantom(
    out: Annotated[Path, typer.Option(help="Folder of the new data set.")],
    n: Annotated[int, typer.Option("--n", min=1, max=100_000, help="Number of videos.")],
    seed: Annotated[
        int, typer.Option(min=0, help="The same seed gives the same files, byte for byte.")
    ],
    world: Annotated[
        Literal["phantom", "speckle", "both"],
        typer.Option(
            help="phantom: painted textures; speckle: scatterers that move with the tissue, imaged "
            "by a model of the beam, with another anatomy (EF 8-75 %); both: one of each in turn."
        ),
    ] = "phantom",
    distribution: Annotated[
        Literal["uniform", "echonet"],
        typer.Option(
            help="uniform: EF 10-80 %, 25-80 fps; echonet: EF 55.7 +- 12.5 %, 50.9 +- 6.8 fps."
        ),
    ] = "uniform",
    frames: Annotated[
        int | None,
        typer.Option(min=24, max=1002, help="Frames per video (default: drawn, 175 +- 57)."),
    ] = None,
    split: Annotated[
        Literal["TRAIN", "VAL", "TEST"] | None,
        typer.Option(
            case_sensitive=False,
            help="Put every video in one split (default: 75 % TRAIN, 12.5 % VAL, 12.5 % TEST).",
        ),
    ] = None,
    traced: Annotated[
        int,
        typer.Option(
            min=2,
            help="Traced frames per video: end diastole and end systole, as in EchoNet-Dynamic; "
            "more are drawn over the whole video, for a segmentation to learn from.",
        ),
    ] = 2,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes (default: one per core)."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the folder if it exists.")
    ] = False,
) -> None:
    """Write synthetic four-chamber videos with a known EF, in EchoNet-Dynamic's layout.

    The labels are exact, the pictures are not patients: accuracy measured on phantoms says
    nothing about clinical accuracy.
    """
    from edgeecho.common.console import progress_bar
    from edgeecho_train.phantom.population import PhantomRecipe
    from edgeecho_train.phantom.writer import write_dataset
    from edgeecho_train.worlds import WORLDS

    recipe = PhantomRecipe(seed, distribution, frames, split, traced)
    with progress_bar() as progress:
        task = progress.add_task("rendering", total=n)
        write_dataset(
            out,
            recipe,
            n,
            workers=workers or os.cpu_count() or 1,
            world=WORLDS[world],
            overwrite=overwrite,
            on_video=lambda: progress.advance(task),
        )
    typer.echo(f"wrote {n} synthetic phantoms (no patient data) to {out}", err=True)
