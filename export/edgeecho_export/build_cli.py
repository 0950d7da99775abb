"""`edgeecho build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.common.errors import UsageError
from edgeecho.common.precisions import PRECISIONS

if TYPE_CHECKING:
    from edgeecho_export.build import Published

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_ENGINES = ("tensorrt", "tensorrt-rtx")


@app.command()
def build(
    bundle: Annotated[Path, typer.Argument(help="Model bundle; the engine is written into it.")],
    precision: Annotated[str, typer.Option(help=f"One of {', '.join(PRECISIONS)}.")] = "fp16",
    engine: Annotated[str, typer.Option(help=f"One of {', '.join(_ENGINES)}.")] = "tensorrt-rtx",
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
) -> None:
    """Build a TensorRT engine of a bundle's ONNX file, with a sidecar that says what it is.

    TensorRT engines are built on the GPU that is to run them. TensorRT-RTX engines are built on
    the CPU for GPUs that need not be here. Both run with the very version that built them.
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision!r}: give {', '.join(PRECISIONS)}")
    if engine not in _ENGINES:
        raise UsageError(f"--engine {engine!r} cannot be built: give {', '.join(_ENGINES)}")
    sizes = _batch(batch)
    rtx = engine == "tensorrt-rtx"
    if rtx and (workspace_mb or timing_cache):
        raise UsageError("--workspace-mb and --timing-cache are of --engine tensorrt: leave them")
    if compute_capability and not rtx:
        raise UsageError("--engine tensorrt builds for the GPU here: leave --compute-capability")
    from edgeecho_export.trt import RTX, TENSORRT

    # Before anything else is imported or read: what is missing is said with its extra.
    (RTX if rtx else TENSORRT).load()
    from edgeecho_export.build import build_rtx, build_tensorrt

    if rtx:
        _print(build_rtx(bundle, precision, compute_capability.split(","), sizes))
        return
    _print(
        build_tensorrt(
            bundle, precision, sizes, workspace_mb=workspace_mb, timing_cache=timing_cache
        )
    )


def _batch(text: str) -> tuple[int, int, int]:
    try:
        smallest, optimal, largest = (int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--batch {text!r}: give three whole numbers, such as 1,4,8") from error
    if not 1 <= smallest <= optimal <= largest:
        raise UsageError(f"--batch {text}: MIN, OPT and MAX must be 1 or more and in that order")
    return smallest, optimal, largest


def _print(published: Published) -> None:
    from edgeecho.common.about import RESEARCH_USE

    sidecar, report = published.sidecar, published.report
    inputs = ", ".join(f"{count} {kind}" for kind, count in report.inputs().most_common())
    size = published.path.stat().st_size / 1e6
    typer.echo(f"wrote {published.path} ({size:.1f} MB)")
    typer.echo(f"  {sidecar.precision} from {sidecar.onnx_file}, sha256 {sidecar.onnx_sha256[:12]}")
    targets = ", ".join((*filter(None, [sidecar.gpu]), *sidecar.compute_capabilities))
    typer.echo(
        f"  {sidecar.kind} {sidecar.version} for {targets}; "
        f"batch {', '.join(map(str, sidecar.batch))}"
    )
    inputs = inputs or "not told by this TensorRT"
    typer.echo(f"  {report.layers} layers; inputs of the convolutions: {inputs}")
    check = f"edgeecho verify BUNDLE --engine {sidecar.kind} --precision {sidecar.precision}"
    if sidecar.gpu:
        typer.echo(f"  built, not run yet: {check}")
    else:
        typer.echo(f"  built, not run: no GPU has seen this engine yet; there: {check}")
    typer.echo(RESEARCH_USE)
