"""`edgeecho triton`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def triton(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    out: Annotated[Path, typer.Option(metavar="REPOSITORY", help="Folder of the repository.")],
    backend: Annotated[
        str, typer.Option(help="What runs the networks: onnxruntime, tensorrt or python.")
    ] = "onnxruntime",
    precision: Annotated[
        str | None, typer.Option(help="Which of the bundle's models; default: fp32, or its only.")
    ] = None,
    instances: Annotated[
        int, typer.Option(min=1, help="Processes that read videos and apply the gates.")
    ] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace --out.")] = False,
) -> None:
    """Write a model repository for NVIDIA's Triton Inference Server.

    Research use only, not for diagnosis. One model takes whole files and gives answers with gates
    and interval; the networks beside it take clips, in batches.
    """
    from edgeecho.common.about import RESEARCH_USE
    from edgeecho.tools.triton import write_repository

    names = write_repository(
        bundle,
        out,
        precision=precision,
        backend=backend,
        instances=instances,
        overwrite=overwrite,
    )
    typer.echo(f"wrote {out}: {', '.join(names)}; its README.md says how to start it")
    typer.echo(RESEARCH_USE)
