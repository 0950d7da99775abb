"""`edgeecho bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.bench import BenchOptions
from edgeecho.cli.options.groups import with_groups

if TYPE_CHECKING:
    from edgeecho.tools.bench.run import BenchRun

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_groups
def bench(
    *,
    what: BenchOptions,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Also write the JSON to a file, a later --baseline.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page with plots.")] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(help="JSON of an earlier run; exit code 6 if this one is slower."),
    ] = None,
    slower_by: Annotated[
        float, typer.Option(min=0, help="Percent of more time that --baseline lets pass.")
    ] = 10,
) -> None:  # fmt: skip
    """How long an answer takes on this machine: cold start, stages, percentiles.

    Research use only, not for diagnosis. A percentile is shown only where the number of runs
    carries it: p90 takes 10, p95 20 and p99 100 runs. With --baseline a run is slower if the whole
    95 % interval of the ratio is.
    """
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.console import words
    from edgeecho.common.files import write_text
    from edgeecho.common.text import printable
    from edgeecho.tools.bench.document import read_run, to_json
    from edgeecho.tools.bench.measure import measure
    from edgeecho.tools.bench.text import to_text

    request = what.request()
    check_outputs({"--html": html, "--out": out}, [*request.videos, request.model, baseline])
    kept = read_run(baseline) if baseline else None
    # Lines instead of a progress bar, whose thread would disturb the measurement.
    run = measure(request, lambda line: words.print(printable(line)))
    typer.echo(to_json(run) if json else to_text(run))
    if out:
        write_text(out, to_json(run) + "\n")
    if html:
        _write_page(html, run)
    if kept:
        _gate(kept, run, slower_by)


def _write_page(path: Path, run: BenchRun) -> None:
    from datetime import datetime, timezone

    from edgeecho.common.files import write_text
    from edgeecho.tools.bench.page import to_html

    write_text(path, to_html(run, datetime.now(timezone.utc)))


def _gate(baseline: BenchRun, run: BenchRun, percent: float) -> None:
    from edgeecho.common.console import words
    from edgeecho.common.errors import VerificationError
    from edgeecho.tools.bench.baseline import compare_with
    from edgeecho.tools.bench.text import ratio_words

    changes = compare_with(baseline, run, percent=percent)
    for change in changes:
        words.print(f"{change.label}: {ratio_words(change.times_as_long)} times as long as before")
    if slower := [change for change in changes if change.slower]:
        raise VerificationError(
            f"{slower[0].label} takes {ratio_words(slower[0].times_as_long)} times as long as in "
            f"the baseline, allowed {slower[0].allowed:g}: look for what changed, or measure the "
            "baseline again"
        )
