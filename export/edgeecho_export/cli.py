"""`edgeecho export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.errors import UsageError

if TYPE_CHECKING:
    from edgeecho.bundle import Manifest

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

DEMO_CHECKPOINT = Path("models/demo/best.pt")
"""In a clone of the repository; not in the wheel."""


@app.command()
def export(
    checkpoint: Annotated[
        Path | None, typer.Argument(help=f"Default: the demo's, {DEMO_CHECKPOINT} in a clone.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Bundle folder. Default: bundles/NAME.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Model name. Default: the checkpoint's folder.")
    ] = None,
    model_version: Annotated[str, typer.Option(help="Model version.")] = "1",
    clips: Annotated[
        Path | None,
        typer.Option(help="Data set for the comparison, where the checkpoint brings no clips."),
    ] = None,
    mean: Annotated[
        str | None, typer.Option(help="R,G,B on 0..255, for a checkpoint that is not ours.")
    ] = None,
    std: Annotated[str | None, typer.Option(help="R,G,B on 0..255, likewise.")] = None,
    frames: Annotated[int | None, typer.Option(min=1, help="Frames in a clip, likewise.")] = None,
    period: Annotated[int | None, typer.Option(min=1, help="Every N-th frame, likewise.")] = None,
    training_fps: Annotated[
        float | None, typer.Option(min=1, help="Frame rate of its training data, likewise.")
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Not yet in this version.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Not yet in this version.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Export a checkpoint to a verified model bundle (ONNX, dynamic batch).

    Exit code 6, and no bundle, where an engine differs from PyTorch by more than 0.01 EF points.
    """
    for wanted, option in ((fp16, "--fp16"), (int8, "--int8")):
        if wanted:
            raise UsageError(
                f"{option} is not in this version of edgeecho yet: leave it out to export fp32.onnx"
            )
    if checkpoint is None:
        checkpoint = DEMO_CHECKPOINT
        if not checkpoint.is_file():
            raise UsageError(
                f"no checkpoint given, and {DEMO_CHECKPOINT} is not here: "
                "name one, or run this in a clone of the repository"
            )
    from edgeecho_export.checkpoint import Given
    from edgeecho_export.pipeline import Label
    from edgeecho_export.pipeline import export as write_bundle

    label = Label(name or checkpoint.resolve().parent.name, model_version)
    folder = out or Path("bundles") / label.name
    manifest = write_bundle(
        checkpoint,
        folder,
        label,
        given=Given(
            _channels(mean, "--mean"), _channels(std, "--std"), frames, period, training_fps
        ),
        clips=clips,
        overwrite=overwrite,
    )
    _print(folder, manifest)


def _channels(text: str | None, option: str) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: give three numbers, such as 32.6,32.9,33.1"
        ) from error
    return red, green, blue


def _print(folder: Path, manifest: Manifest) -> None:
    from edgeecho import RESEARCH_USE

    typer.echo(f"wrote {folder}: {manifest.name} {manifest.version}")
    for artefact in manifest.artefacts.values():
        for check in artefact.verification:
            typer.echo(
                f"  {artefact.file} on {check.engine} {check.version}: largest drift "
                f"{check.max_drift:.6f} EF points on {check.clips} clips at batch "
                f"{', '.join(map(str, check.batches))} (allowed {check.tolerance:g})"
            )
    typer.echo(RESEARCH_USE)
