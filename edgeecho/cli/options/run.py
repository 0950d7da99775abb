"""Options for the way `edgeecho infer` and `edgeecho cohort` run over many files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

Limit = Annotated[
    float,
    typer.Option(
        metavar="S", min=1, max=1_000_000, help="A video that takes longer is tried once more."
    ),
]


@dataclass(frozen=True)
class BatchOptions:
    """Many files."""

    workers: Annotated[
        int, typer.Option(min=0, help="Processes that share the cores; 0: this one alone.")
    ] = 0
    limit: Limit = 600
