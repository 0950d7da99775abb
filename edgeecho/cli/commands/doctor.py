"""`edgeecho doctor`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def doctor(
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    clear_cache: Annotated[
        bool, typer.Option("--clear-cache", help="Remove the compiled models that were kept.")
    ] = False,
) -> None:
    """What is installed, which engines can run, what is missing and how to get it.

    Exit code 0: `edgeecho infer` can work; 4: it cannot, and the problems are listed.
    """
    from edgeecho.tools.doctor import diagnose, to_json, to_text

    if clear_cache:
        from edgeecho.common.cache import clear_cache as clear
        from edgeecho.common.console import words

        words.print(f"{clear()} compiled models removed")
    diagnosis = diagnose()
    typer.echo(to_json(diagnosis) if json else to_text(diagnosis))
    if not diagnosis.can_infer:
        sys.exit(4)
