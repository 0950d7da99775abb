"""`edgeecho inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def inspect(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="CHECKPOINT|BUNDLE|ONNX",
            help="A file or a bundle folder. Default: the default model.",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """What a checkpoint, bundle or ONNX file is: network, preprocessing, origin, EF drift.

    Research use only, not for diagnosis. Nothing is computed. Of these only a checkpoint needs
    torch (extra export).
    """
    from edgeecho.tools.inspect import inspect_model, to_json, to_text

    found = inspect_model(model)
    typer.echo(to_json(found) if json else to_text(found))
