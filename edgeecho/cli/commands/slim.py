"""`edgeecho slim`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def slim(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    precision: Annotated[
        list[str], typer.Option(help="A model to keep: fp32, fp16 or int8. May be repeated.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the smaller bundle.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Copy a bundle for a device: only the models that it runs.

    It gets no reference clips. What was measured stays in manifest and card. Research use only, not
    for diagnosis.
    """
    from edgeecho.bundle import slim as write
    from edgeecho.common.about import RESEARCH_USE

    kept = write(bundle, out, precision, overwrite=overwrite)
    size = sum(file.stat().st_size for file in out.iterdir())
    typer.echo(
        f"wrote {out}: {kept.name} {kept.version}, {', '.join(kept.artefacts)}, {size / 1e6:.1f} MB"
    )
    typer.echo(RESEARCH_USE)
