"""`edgeecho release`: publishing a checkpoint in FP16, at half the size."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeecho.common.errors import UsageError

if TYPE_CHECKING:
    from edgeecho_train.recalibrate import Line
    from edgeecho_train.rounded import Rounding

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SUFFIX = ".safetensors"


@app.command()
def release(
    checkpoint: Annotated[Path, typer.Argument(help="best.pt of `edgeecho train`.")],
    out: Annotated[Path, typer.Option(help=f"File to write, {SUFFIX}.")],
    recalibrate: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Of an EF network: fit a line from answers to labels on the VAL split of DATA, "
            "and fold it into the head.",
        ),
    ] = None,
) -> None:
    """Round a checkpoint's weights to FP16: a safetensors file that `edgeecho export` takes.

    The reference clips of the checkpoint are copied beside it. Exit code 4, and no file, where
    FP16 cannot hold a weight.
    """
    from edgeecho.common.about import RESEARCH_USE

    line = None if recalibrate is None else _fit_line(checkpoint, recalibrate)
    found = release_checkpoint(checkpoint, out, line=line, data=recalibrate)
    if line is not None:
        typer.echo(
            f"EF = {line.slope:.4f} x answer {line.intercept:+.3f}, from {line.n} validation "
            f"videos: MAE {line.mae_before:.2f} -> {line.mae_after:.2f} EF points on them"
        )
    typer.echo(
        f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB): {found.weights:,} weights in FP16, "
        f"largest relative rounding error {found.largest:.2g} ({found.layer})"
    )
    typer.echo(RESEARCH_USE)


def _fit_line(checkpoint: Path, data: Path) -> Line:
    from edgeecho.common.console import progress_bar
    from edgeecho.dataset import describe_dataset, read_dataset
    from edgeecho.preprocess import PreprocessSpec
    from edgeecho_train.checkpoint import load_checkpoint
    from edgeecho_train.network import R2Plus1D18
    from edgeecho_train.recalibrate import fit_line

    value = load_checkpoint(checkpoint)
    network = R2Plus1D18(value["width"])
    network.load_state_dict(value["state_dict"])
    spec = PreprocessSpec.from_dict(value["preprocess"])
    videos = read_dataset(data, split="VAL")
    with progress_bar() as progress:
        return fit_line(
            network,
            spec,
            videos,
            data=f"VAL videos of: {describe_dataset(data)}",
            track=lambda v: progress.track(v, description="videos"),
        )


def release_checkpoint(
    checkpoint: Path, out: Path, *, line: Line | None = None, data: Path | None = None
) -> Rounding:
    """Write the reference clips and then `out`, so that whoever reads `out` finds them.

    `line`, fitted to the videos of `data`, is folded into the head and recorded in the provenance.

    `ModelError` for a checkpoint that is not edgeecho's or does not fit FP16, `InputError` if its
    reference clips are missing, `UsageError` for wrong file names.
    """
    from edgeecho.common.files import sha256_file
    from edgeecho.dataset import describe_dataset
    from edgeecho_train.checkpoint import load_checkpoint
    from edgeecho_train.recalibrate import fold
    from edgeecho_train.rounded import round_weights, write_rounded

    if out.suffix != SUFFIX:
        raise UsageError(f"--out {out}: the file is a safetensors file, call it *{SUFFIX}")
    if checkpoint.suffix == SUFFIX:
        raise UsageError(f"{checkpoint} is rounded already: copy it, with its reference clips")
    value = load_checkpoint(checkpoint, task=None)
    weights = value["state_dict"]
    origin: dict[str, Any] = {"rounded_from_sha256": sha256_file(checkpoint)}
    if line is not None and data is not None:
        weights = fold(weights, line)
        told = asdict(line)
        # What training measured is not of these weights.
        origin["skill"] = told.pop("skill")
        origin["recalibrated"] = {
            **told,
            "split": "VAL",
            "data": describe_dataset(data),
            "file_list_sha256": sha256_file(data / "FileList.csv"),
        }
    tensors, rounding = round_weights(weights)
    _copy_reference_clips(checkpoint, out, value["reference_clips"])
    write_rounded(out, tensors, {**value, "provenance": {**value["provenance"], **origin}})
    return rounding


def _copy_reference_clips(checkpoint: Path, out: Path, entry: dict[str, Any] | None) -> None:
    import shutil

    from edgeecho.common.files import atomic_path, sha256_file
    from edgeecho.dataset.reference import load_reference_clips

    if entry is None:
        return
    source, target = (path.with_name(entry["file"]) for path in (checkpoint, out))
    load_reference_clips(source, entry["sha256"])
    if target.exists() and sha256_file(target) != entry["sha256"]:
        raise UsageError(f"{target} is of another checkpoint: choose another folder for --out")
    if not target.exists():
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
