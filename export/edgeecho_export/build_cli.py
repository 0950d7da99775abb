"""`edgeecho build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import PRECISIONS
from edgeecho_export.targets.builder import BUILT, BuildOptions, find_builder

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def build(
    bundle: Annotated[Path, typer.Argument(help="Model bundle; the engine is written into it.")],
    precision: Annotated[str, typer.Option(help=f"One of {', '.join(PRECISIONS)}.")] = "fp16",
    engine: Annotated[str, typer.Option(help=f"One of {', '.join(BUILT)}.")] = "tensorrt-rtx",
    compute_capability: Annotated[
        str,
        typer.Option(
            help="TensorRT-RTX: GPU generations, such as sm86,sm89,sm120; one engine for all."
        ),
    ] = "",
    batch: Annotated[
        str, typer.Option(help="MIN,OPT,MAX clips in one run.", metavar="MIN,OPT,MAX")
    ] = "1,4,8",
    workspace_mb: Annotated[
        int | None,
        typer.Option(min=1, help="TensorRT: most scratch memory in MB; default: all there is."),
    ] = None,
    timing_cache: Annotated[
        Path | None,
        typer.Option(help="TensorRT: read and written; makes the next build on this GPU faster."),
    ] = None,
    no_shared: Annotated[
        bool,
        typer.Option(
            "--no-shared",
            help="No engine of the graph that answers overlapping clips together. Default: one "
            "too, if the bundle has such a graph.",
        ),
    ] = False,
) -> None:
    """Build a TensorRT engine of a bundle's ONNX file, with a sidecar that says what it is.

    A segmentation that the bundle has gets one too, for 1 to 16 frames in a run.

    TensorRT engines are built on the GPU that is to run them. TensorRT-RTX engines are built on
    the CPU for GPUs that need not be here. Both run with the very version that built them.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision!r}: give {', '.join(PRECISIONS)}")
    builder = find_builder(engine)
    sizes = _batch(batch)
    options = BuildOptions(sizes, compute_capability, workspace_mb, timing_cache, not no_shared)
    builder.check(options)
    # Before anything else is imported or read: its error says which extra is missing.
    builder.load()
    for line in builder.build(bundle, precision, options):
        typer.echo(line)
    typer.echo(RESEARCH_USE)


def _batch(text: str) -> tuple[int, int, int]:
    try:
        smallest, optimal, largest = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--batch {text!r}: give three whole numbers, such as 1,4,8") from error
    if not 1 <= smallest <= optimal <= largest:
        raise UsageError(f"--batch {text}: MIN, OPT and MAX must be 1 or more and in that order")
    return smallest, optimal, largest
