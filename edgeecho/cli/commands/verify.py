"""`edgeecho verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    bundle: Annotated[
        Path | None, typer.Argument(help="Bundle folder. Default: the default model.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Only this engine; default: all that can run here.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Only this of the bundle's models; default: all.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="EchoNet-format data set to measure the drift from fp32.onnx on."),
    ] = None,
    split: Annotated[str, typer.Option(help="Of --data: TRAIN, VAL or TEST.")] = "TEST",
    clips: Annotated[int, typer.Option(min=1, help="Of --data: one of each video.")] = 100,
    record: Annotated[
        bool, typer.Option("--record", help="With --data: write the drift into the model card.")
    ] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PRECISION.STATISTIC=POINTS",
            help="Another limit than export's, such as int8.max=1; statistics: mean, p95, max, "
            "mae. May be repeated.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the JSON to a file, to be sent back.")
    ] = None,
) -> None:
    """Whether a bundle's models give PyTorch's EF on this machine, and its masks.

    Needs no torch. It runs the small reference clips that the bundle carries; with --data, clips of
    unseen videos against the bundle's FP32 model. Exit code 6: out of tolerance (the report is
    written all the same, the model card is not).
    """
    from edgeecho.bundle import default_model
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.errors import ModelError, UsageError, VerificationError
    from edgeecho.common.files import write_text
    from edgeecho.common.precisions import parse_limits
    from edgeecho.dataset import SPLITS
    from edgeecho.tools.verify import (
        describe_drift,
        record_drift,
        references_of,
        to_json,
        to_text,
        verify_bundle,
    )
    from edgeecho.tools.verify.run import limits_of

    if split.upper() not in SPLITS:
        raise UsageError(f"--split {split!r} is not known: choose {', '.join(SPLITS)}")
    if record and (data is None or bundle is None):
        raise UsageError("--record needs BUNDLE, a folder to write into, and --data")
    check_outputs({"--out": out}, [bundle])
    limits = parse_limits(limit or [], limits_of(bundle))
    references = (
        references_of(bundle or default_model(), data, split=split, n=clips) if data else None
    )
    report = verify_bundle(
        bundle, engine=engine, precision=precision, limits=limits, references=references
    )
    typer.echo(to_json(report) if json else to_text(report))
    if out:
        write_text(out, to_json(report) + "\n")
    if report.missed:
        raise VerificationError(
            f"{report.missed[0]}: do not use it here; send back what --json gives"
        )
    if report.failed:
        left = report.failed[0]
        raise ModelError(f"{left.file} did not run on {left.engine}: {left.reason}")
    if record and data and bundle:
        record_drift(bundle, describe_drift(report, data, split))
