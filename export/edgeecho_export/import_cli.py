"""`edgeecho import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.bundle.manifest import MANIFEST_FILE
from edgeecho.cli.options.groups import with_groups
from edgeecho.common.files import check_replaceable
from edgeecho.common.precisions import FEW, PRECISIONS
from edgeecho_export.cli import (
    CalibrationOptions,
    PrecisionFlags,
    channels,
    export_options,
)

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Other projects' released checkpoints to a verified bundle, without a data set.",
)

_PHANTOMS = 4
"""For the shifts of the EF: at full size a clip takes PyTorch more than a second on two cores."""


@app.callback()
def _group() -> None:
    """Without it, Typer would take the only command for all of `edgeecho import`."""


@app.command("echonet-dynamic")
@with_groups
def echonet_dynamic(
    ef: Annotated[
        Path, typer.Option(metavar="FILE", help="The release's r2plus1d_18_32_2_pretrained.pt.")
    ],
    segmentation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The release's deeplabv3_resnet50_random.pt, for masks and beats.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Bundle folder. Default: bundles/NAME.")] = None,
    name: Annotated[str, typer.Option(help="Model name.")] = "echonet-dynamic",
    mean: Annotated[
        str | None,
        typer.Option(
            metavar="R,G,B",
            help="On 0..255, of `edgeecho stats DATA`. Default: echonet/strain's, and each answer "
            "warns that they are assumed.",
        ),
    ] = None,
    std: Annotated[str | None, typer.Option(metavar="R,G,B", help="Likewise.")] = None,
    training_fps: Annotated[
        float | None,
        typer.Option(
            min=1, help="Frame rate of its training data. Default: 51, the public list's mean."
        ),
    ] = None,
    *,
    precisions: PrecisionFlags,
    calibrated: CalibrationOptions,
    clips: Annotated[
        Path | None,
        typer.Option(
            help="Data set for drift and skill. Default: phantoms, and no skill; for --int8 the "
            "set's data."
        ),
    ] = None,
    references: Annotated[
        bool,
        typer.Option(
            "--references/--no-references",
            help="Put the clips of the comparison into the bundle, for `edgeecho verify`.",
        ),
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """EchoNet-Dynamic's released checkpoints to a verified bundle.

    The release does not say how its videos were normalised: the command takes known constants,
    says whose, and prints how far EF and masks move to the others. Drift limits are those of
    `edgeecho export`, which has more options.
    """
    folder = out or Path("bundles") / name
    check_replaceable(folder.resolve(), marker=MANIFEST_FILE, overwrite=overwrite)
    asked = [precision for precision, wanted in vars(precisions).items() if wanted]
    settings = export_options(asked, calibrated)
    from edgeecho_export import echonet
    from edgeecho_export.phantom_clips import phantom_clips
    from edgeecho_export.pipeline import export
    from edgeecho_export.printed import print_bundle
    from edgeecho_export.recipes.base import ModelLabel
    from edgeecho_export.segmentation.released import mask_shifts, read_released

    taken = echonet.given(channels(mean, "--mean"), channels(std, "--std"))
    told = echonet.options(taken, training_fps)
    source = echonet.read_release(ef, told)
    masks = None if segmentation is None else read_released(segmentation, source.preprocess)
    on_phantoms = clips is None and not any(PRECISIONS[one].calibrated for one in asked)
    phantoms = phantom_clips(source.preprocess, FEW if on_phantoms else _PHANTOMS)
    manifest = export(
        ef,
        folder,
        ModelLabel(name, "1"),
        given=told,
        clips=phantoms if on_phantoms else clips,
        overwrite=overwrite,
        options=settings,
        keep_references=references,
        segmentation=segmentation,
    )
    typer.echo(f"mean and std: {taken.source}")
    for shift in echonet.shifts(source, phantoms.clips.clips[:_PHANTOMS], taken):
        typer.echo(
            f"  with {shift.to.source}, the EF moves by {shift.mean:.3f} points, at most "
            f"{shift.most:.3f} (PyTorch, {_PHANTOMS} phantoms)"
        )
    if masks is not None:
        for moved in mask_shifts(masks, source.preprocess, phantoms.clips.clips[:_PHANTOMS], taken):
            typer.echo(
                f"  with {moved.to.source}, areas of masks move by {moved.drift.area:.2f} %, at "
                f"most {moved.drift.worst_area:.2f} % (Dice {moved.drift.dice:.4f})"
            )
        typer.echo(f"segmentation: {masks.recognised}")
    if training_fps is None:
        typer.echo(f"frame rate of training: {echonet.FPS_SOURCE}")
    print_bundle(folder, manifest)
