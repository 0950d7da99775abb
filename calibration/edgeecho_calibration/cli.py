"""`edgeecho calibrate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Calibration sets for INT8.",
)


@app.callback()
def _calibrate() -> None:
    # Keeps `select` a sub-command: typer would fold a single one into its parent.
    pass


@app.command()
def select(
    data: Annotated[Path, typer.Argument(help="Folder with FileList.csv and Videos/.")],
    out: Annotated[Path, typer.Option(help="Calibration set to write (JSON).")],
    model: Annotated[
        Path | None,
        typer.Option(help="Bundle whose preprocessing is meant; default: the demo model."),
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Number of clips.")] = 32,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Choose calibration clips from the TRAIN split, spread over EF, frame rate and brightness."""
    from edgeecho.bundle import open_model
    from edgeecho.files import write_json
    from edgeecho_calibration.select import select as choose

    chosen = choose(data, open_model(model).preprocess, n=n, seed=seed)
    write_json(out, chosen.to_dict())
    shown = {
        "EF": ([clip.ef for clip in chosen.clips], "%"),
        "frame rate": ([clip.fps for clip in chosen.clips if clip.fps is not None], "fps"),
        "brightness": ([clip.brightness for clip in chosen.clips], "of 255"),
    }
    spans = [
        f"{name} {min(values):.0f} to {max(values):.0f} {unit}"
        for name, (values, unit) in shown.items()
        if values
    ]
    typer.echo(f"wrote {out}: {n} training clips, {', '.join(spans)}", err=True)
