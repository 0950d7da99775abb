"""`edgeecho release`: a checkpoint as it is published, in half the bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeecho.errors import UsageError

if TYPE_CHECKING:
    from edgeecho_train.rounded import Rounding

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SUFFIX = ".safetensors"


@app.command()
def release(
    checkpoint: Annotated[Path, typer.Argument(help="best.pt of `edgeecho train`.")],
    out: Annotated[Path, typer.Option(help=f"File to write, {SUFFIX}.")],
) -> None:
    """Round a checkpoint's weights to FP16: a safetensors file that `edgeecho export` takes.

    The reference clips of the checkpoint are copied beside it. Exit code 4, and no file, where
    FP16 cannot hold a weight.
    """
    from edgeecho import RESEARCH_USE

    found = release_checkpoint(checkpoint, out)
    typer.echo(
        f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB): {found.weights:,} weights in FP16, "
        f"largest relative rounding error {found.largest:.2g} ({found.layer})"
    )
    typer.echo(RESEARCH_USE)


def release_checkpoint(checkpoint: Path, out: Path) -> Rounding:
    """Write `out` and the reference clips beside it, these first: a reader of `out` wants them.

    Errors: `ModelError` for a checkpoint that is not ours or does not fit FP16, `InputError`
    where its reference clips are not there, `UsageError`.
    """
    from edgeecho.files import sha256_file
    from edgeecho_train.checkpoint import load_checkpoint
    from edgeecho_train.rounded import round_weights, write_rounded

    if out.suffix != SUFFIX:
        raise UsageError(f"--out {out}: the file is a safetensors file, call it *{SUFFIX}")
    if checkpoint.suffix == SUFFIX:
        raise UsageError(f"{checkpoint} is rounded already: copy it, with its reference clips")
    value = load_checkpoint(checkpoint)
    tensors, rounding = round_weights(value["state_dict"])
    _copy_reference_clips(checkpoint, out, value["reference_clips"])
    origin = {"rounded_from_sha256": sha256_file(checkpoint)}
    write_rounded(out, tensors, {**value, "provenance": {**value["provenance"], **origin}})
    return rounding


def _copy_reference_clips(checkpoint: Path, out: Path, entry: dict[str, Any] | None) -> None:
    import shutil

    from edgeecho.files import atomic_path, sha256_file
    from edgeecho.reference import load_reference_clips

    if entry is None:
        return
    source, target = (path.with_name(entry["file"]) for path in (checkpoint, out))
    load_reference_clips(source, entry["sha256"])
    if target.exists() and sha256_file(target) != entry["sha256"]:
        raise UsageError(f"{target} is of another checkpoint: choose another folder for --out")
    if not target.exists():
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)
