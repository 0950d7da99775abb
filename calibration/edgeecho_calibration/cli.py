"""`edgeecho calibrate`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from edgeecho.common.errors import MissingDependencyError, UsageError
from edgeecho_calibration.site_cli import check
from edgeecho_calibration.trust_cli import trust

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Calibration: INT8's clips, what each layer costs, intervals, gates, a site's videos.",
)
app.command()(trust)
app.command()(check)


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
    from edgeecho.common.files import write_json
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


@app.command()
def sensitivity(
    bundle: Annotated[Path, typer.Argument(help="Bundle with fp32.onnx and int8.onnx.")],
    calibration: Annotated[Path, typer.Argument(metavar="SET", help="Of `calibrate select`.")],
    out: Annotated[Path, typer.Option(help="Table to write (JSON); its picture is beside it.")],
    max_drift: Annotated[
        float | None,
        typer.Option(
            min=0, help="Return layers to float until no clip drifts further (EF points)."
        ),
    ] = None,
    n: Annotated[int, typer.Option(min=2, help="Clips of the set to use.")] = 8,
    data: Annotated[
        Path | None, typer.Option(help="Where the set's data are, if they were moved.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engine that runs the networks.")] = "auto",
) -> None:
    """What each layer's quantization costs in EF points: alone, and within all others.

    The clips are of the training split, so that those that export's gates judge by stay unseen.
    Every quantized layer takes two networks and a run of each over the clips. With --max-drift
    the most damaging layers return to float until it holds; give the file to
    `edgeecho export --int8 --float-layers`. Exit code 6 where it cannot hold. A network that
    misses its gate has no bundle yet: export it with a wider --limit first.
    """
    from edgeecho.bundle import open_model
    from edgeecho.common.console import progress_bar
    from edgeecho.common.files import write_json
    from edgeecho_calibration.sets import CalibrationClips, read_set

    # `select` needs neither, so the extra cannot be asked of the whole command.
    for package in ("onnx", "matplotlib"):
        if find_spec(package) is None:
            raise MissingDependencyError(
                f"`edgeecho calibrate sensitivity` needs {package}, which is not installed: "
                "pip install 'edgeecho[export]'"
            )
    from edgeecho_calibration.sensitivity import Analysis
    from edgeecho_calibration.sensitivity_report import draw, to_dict, to_text

    if out.suffix != ".json":
        raise UsageError(f"--out {out} must end in .json: its picture is written beside it")
    spec = open_model(bundle, precision="int8").preprocess
    clips = CalibrationClips(read_set(calibration), spec, data=data).spread(n)
    analysis = Analysis(bundle, clips, engine)
    with progress_bar() as progress:
        task = progress.add_task("networks", total=analysis.steps)
        found = analysis.run(max_drift=max_drift, on_step=lambda: progress.advance(task))
    write_json(out, to_dict(found))
    draw(out.with_suffix(".png"), found)
    typer.echo(to_text(found))
