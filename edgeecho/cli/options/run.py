"""Options for the way `edgeecho infer` runs over many files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True)
class BatchOptions:
    """Many files."""

    workers: Annotated[
        int, typer.Option(min=0, help="Processes that share the cores; 0: this one alone.")
    ] = 0
    limit: Annotated[
        float,
        typer.Option(
            metavar="S", min=1, max=1_000_000, help="A video that takes longer is tried once more."
        ),
    ] = 600
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep answers in this file as they come, and go on from it."),
    ] = None
