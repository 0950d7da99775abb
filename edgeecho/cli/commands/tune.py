"""`edgeecho tune`."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeecho.cli.options.answer import Model, Precision

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def tune(
    model: Model = None,
    precision: Precision = None,
    runs: Annotated[int, typer.Option(min=2, help="Clips for each number of threads.")] = 30,
) -> None:
    """Measure once how many threads answer fastest here, and remember it.

    Research use only, not for diagnosis. Every later command that is given no --threads takes the
    number that is remembered, for models of this precision on the engine openvino. `edgeecho doctor
    --clear-cache` forgets it.
    """
    from edgeecho.bundle import open_model
    from edgeecho.common.about import RESEARCH_USE
    from edgeecho.common.cache import VARIABLE, cache_folder
    from edgeecho.common.errors import UsageError
    from edgeecho.tools.bench.text import ratio_words
    from edgeecho.tools.bench.tune import tune as measure

    if cache_folder() is None:
        raise UsageError(
            f"${VARIABLE} is off, so nothing can be remembered: unset it, or give --threads to "
            "each command"
        )
    file = open_model(model, precision=precision)
    found = measure(file, rounds=runs)
    typer.echo(
        f"{file.name} {file.version}, {file.precision}: one clip, {runs} times each, in turns"
    )
    typer.echo()
    typer.echo("  threads   ms (median)   times as long as the engine's own choice")
    for one in found.tried:
        own = one.threads == found.default
        ratio = "its own choice" if own else ratio_words(one.against_default)
        typer.echo(f"  {one.threads:>7}{one.median_ms:>14.1f}   {ratio}")
    kept = f"{found.chosen} threads" if found.chosen else "the engine's own choice"
    typer.echo(f"\nremembered for {file.precision} on this machine: {kept}\n{RESEARCH_USE}")
