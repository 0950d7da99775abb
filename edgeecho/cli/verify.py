"""`edgeecho verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def verify(
    bundle: Annotated[
        Path | None, typer.Argument(help="Bundle folder. Default: the demo model.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="Only this engine; default: all that can run here.")
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="Only this of the bundle's models; default: all.")
    ] = None,
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
    """Whether a bundle's models give PyTorch's EF on this machine. Needs no torch.

    It runs the small reference clips that the bundle carries. Exit code 6: out of tolerance
    (the report is written all the same).
    """
    from edgeecho.errors import VerificationError
    from edgeecho.files import write_text
    from edgeecho.verify import parse_limits, to_json, to_text, verify_bundle
    from edgeecho.verify.run import limits_of

    limits = parse_limits(limit or [], limits_of(bundle))
    report = verify_bundle(bundle, engine=engine, precision=precision, limits=limits)
    typer.echo(to_json(report) if json else to_text(report))
    if out:
        write_text(out, to_json(report) + "\n")
    if report.missed:
        raise VerificationError(
            f"{report.missed[0]}: do not use it here; send back what --json gives"
        )
