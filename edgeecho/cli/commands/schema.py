"""`edgeecho schema`."""

from __future__ import annotations

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def schema() -> None:
    """JSON Schema (draft 2020-12) of what `edgeecho infer --json` writes."""
    from edgeecho.report.structured import schema_text

    typer.echo(schema_text(), nl=False)
