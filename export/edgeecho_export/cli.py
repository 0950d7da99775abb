"""`edgeecho export`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeecho.cli.options.groups import with_groups
from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import PRECISIONS, parse_limits

if TYPE_CHECKING:
    from edgeecho_export.recipes.base import ExportOptions

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

DEMO_CHECKPOINT = Path("models/demo/checkpoint.safetensors")
"""Only in a clone of the repository, not in the wheel."""
METHODS = ("minmax", "percentile", "entropy")
"""The ways to choose an INT8 range."""


def _precision_flags() -> Any:
    """An option group with a flag for each precision that is optional."""
    rows = [(name, row.export_help) for name, row in PRECISIONS.items() if row.export_help]
    return make_dataclass(
        "PrecisionFlags",
        [
            (name, Annotated[bool, typer.Option(f"--{name}", help=about)], field(default=False))
            for name, about in rows
        ],
        frozen=True,
    )


if TYPE_CHECKING:

    class PrecisionFlags:
        """Options made by `_precision_flags`."""

else:
    PrecisionFlags = _precision_flags()


@dataclass(frozen=True)
class CalibrationOptions:
    """The set that INT8's ranges and FP16's check of ranges come from."""

    calibration: Annotated[
        Path | None, typer.Option(metavar="SET", help="Set of `edgeecho calibrate select`.")
    ] = None
    calibration_data: Annotated[
        Path | None, typer.Option(help="Where the set's data are, if they were moved.")
    ] = None


@app.command()
@with_groups
def export(
    checkpoint: Annotated[
        Path | None, typer.Argument(help=f"Default: the demo's, {DEMO_CHECKPOINT} in a clone.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Bundle folder. Default: bundles/NAME.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Model name. Default: the checkpoint's folder.")
    ] = None,
    model_version: Annotated[
        str | None, typer.Option(help="Model version. Default: 1; the demo's own of the demo.")
    ] = None,
    segmentation: Annotated[
        Path | None,
        typer.Option(
            metavar="CHECKPOINT",
            help="Also a segmentation, of `edgeecho train --task segmentation`, for masks and "
            "beats.",
        ),
    ] = None,
    clips: Annotated[
        Path | None,
        typer.Option(help="Data set for drift and skill, where the checkpoint brings too little."),
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
    *,
    precisions: PrecisionFlags,
    calibrated: CalibrationOptions,
    method: Annotated[
        str,
        typer.Option(help="INT8 by minmax (quick), percentile or entropy; all: the best of them."),
    ] = "all",
    float_layers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of `edgeecho calibrate sensitivity --max-drift`: what INT8 leaves in float.",
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRECISION.STATISTIC=POINTS",
            help="Another limit than the built-in, such as int8.max=1; statistics: mean, p95, "
            "max, mae. May be repeated.",
        ),
    ] = None,
    pad: Annotated[
        int,
        typer.Option(
            min=1,
            help="Pad the channels between a convolution's two factors with zeros to a multiple of "
            "this, for GPUs: the same EFs. 1: none. Only 8 was measured.",
        ),
    ] = 8,
    shared: Annotated[
        bool | None,
        typer.Option(
            "--shared/--no-shared",
            help="Also a graph that answers overlapping clips together, from the same weights. "
            "Default: yes, unless clips are too short.",
        ),
    ] = None,
    references: Annotated[
        bool,
        typer.Option(
            "--references/--no-references",
            help="Put the held-out clips (pixels, labels) into the bundle, for `edgeecho verify`.",
        ),
    ] = True,
    require_skill: Annotated[
        bool,
        typer.Option(
            "--require-skill",
            help="Refuse a network that was not shown to beat a constant answer: by its training, "
            "or on 50 or more held-out videos of --clips.",
        ),
    ] = False,
    engine: Annotated[
        str | None,
        typer.Option(
            help="An engine that must check every file. Default: all that can be opened here do."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Export a checkpoint to a verified model bundle (ONNX, dynamic batch).

    Exit code 6, and no bundle, where skill is required and not shown, or an artefact is further
    from PyTorch than allowed. In EF points: FP32 max 0.01; FP16 mean 0.05, max 0.2; INT8 mean 0.3,
    p95 0.7, max 1.5, MAE 0.1.
    """
    options = export_options(
        [name for name, asked in vars(precisions).items() if asked],
        calibrated,
        method,
        float_layers,
        limit or [],
        pad,
        shared,
        require_skill,
        engine,
    )
    if checkpoint is None:
        checkpoint = DEMO_CHECKPOINT
        if not checkpoint.is_file():
            raise UsageError(
                f"no checkpoint given, and {DEMO_CHECKPOINT} is not here: "
                "name one, or run this in a clone of the repository"
            )
    from edgeecho_export.checkpoint import CheckpointOptions
    from edgeecho_export.pipeline import export as write_bundle
    from edgeecho_export.printed import print_bundle
    from edgeecho_export.recipes.base import ModelLabel

    version = model_version or _version_of(checkpoint)
    label = ModelLabel(name or checkpoint.resolve().parent.name, version)
    folder = out or Path("bundles") / label.name
    manifest = write_bundle(
        checkpoint,
        folder,
        label,
        given=CheckpointOptions(
            channels(mean, "--mean"), channels(std, "--std"), frames, period, training_fps
        ),
        clips=clips,
        overwrite=overwrite,
        options=options,
        keep_references=references,
        segmentation=segmentation,
    )
    print_bundle(folder, manifest)


def _version_of(checkpoint: Path) -> str:
    """The demo's version for the demo's checkpoint, as in the package; 1 for others."""
    from edgeecho.bundle import DEMO, read_manifest
    from edgeecho.common.files import sha256_file

    demo = read_manifest(DEMO)
    known = demo.provenance["checkpoint_sha256"]
    return demo.version if checkpoint.is_file() and sha256_file(checkpoint) == known else "1"


def export_options(
    precisions: list[str],
    given: CalibrationOptions,
    method: str = "all",
    float_layers: Path | None = None,
    limit: Sequence[str] = (),
    pad: int = 8,
    shared: bool | None = None,
    require_skill: bool = False,
    engine: str | None = None,
) -> ExportOptions:
    """The options of an export from a command's; `UsageError` if they do not fit together."""
    calibration, data = given.calibration, given.calibration_data
    calibrated = [name for name in precisions if PRECISIONS[name].calibrated]
    if calibrated and calibration is None:
        raise UsageError(
            f"--{calibrated[0]} needs --calibration SET, clips of your own training data (there "
            "is no default set): make one with `edgeecho calibrate select DATA --out SET`"
        )
    if calibration is not None and not precisions:
        raise UsageError("--calibration is of use with --int8 or --fp16 only: add one of them")
    if data is not None and calibration is None:
        raise UsageError("--calibration-data needs --calibration SET")
    if float_layers is not None and "int8" not in precisions:
        raise UsageError("--float-layers is of use with --int8 only: add it")
    if method not in ("all", *METHODS):
        raise UsageError(f"--method {method!r} is not known: choose all, {', '.join(METHODS)}")
    from edgeecho.common.files import sha256_file
    from edgeecho_calibration.sensitivity_report import read_float_layers
    from edgeecho_calibration.sets import read_set
    from edgeecho_export.recipes.base import Calibration, ExportOptions

    chosen = None
    if calibration is not None:
        chosen = Calibration(read_set(calibration), sha256_file(calibration), data)
    tried = METHODS if method == "all" else (method,)
    return ExportOptions(
        precisions=tuple(precisions),
        methods=tried if calibrated else (),
        float_layers=read_float_layers(float_layers) if float_layers else (),
        calibration=chosen,
        limits=parse_limits(limit),
        pad=pad,
        shared=shared,
        require_skill=require_skill,
        engine=engine,
    )


def channels(text: str | None, option: str) -> tuple[float, float, float] | None:
    """`R,G,B` as numbers."""
    if text is None:
        return None
    try:
        red, green, blue = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{option} {text!r}: give three numbers, such as 32.6,32.9,33.1"
        ) from error
    return red, green, blue
