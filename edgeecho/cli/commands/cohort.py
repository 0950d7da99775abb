"""`edgeecho cohort`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import Choices, EngineOptions, LimitOptions, VideoOptions
from edgeecho.cli.options.groups import with_groups
from edgeecho.cli.options.run import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeecho.batch import Crew, Table, Tally, Task

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
_SAY_S = 30.0


@app.command()
@with_groups
def cohort(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="Folder, list (CSV or Parquet with the column path), or EchoNet-format data set.",
        ),
    ],
    *,
    out: Annotated[
        Path, typer.Option(metavar="TABLE", help="Folder of the table; go on if it was begun.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="parquet (extra `cohort`) or csv.")
    ] = "parquet",
    csv: Annotated[
        Path | None, typer.Option(help="Also write all rows into one CSV file, at the end.")
    ] = None,
    paths: Annotated[
        bool, typer.Option("--paths", help="Keep paths and URLs too; folders may name patients.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Try files again that could not be used.")
    ] = False,
    engine: EngineOptions,
    video: VideoOptions,
    limits: LimitOptions,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that share the cores; 0: one for each core.")
    ] = 0,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Run on a Ray (extra `ray`), --workers on each of its nodes: HOST:PORT, auto (the "
            "one of this machine), or local (start one that nobody else reaches).",
        ),
    ] = None,
    limit: Limit = 600,
) -> None:
    """EF of many files as a table that survives a kill.

    Research use only, not for diagnosis. A row a file: EF and interval, or the reasons of a refusal
    or failure. The same command goes on where it was killed; what was answered is not computed
    again. Exit code 0: the table is complete; 3: no file of it could be used.
    """
    from edgeecho.batch import (
        FORMATS,
        answer_cohort,
        open_table,
        read_source,
    )
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.console import words
    from edgeecho.common.errors import UsageError

    # Before the model is loaded, so that typing errors are reported at once.
    if form not in FORMATS:
        raise UsageError(f"--format {form!r} is not known: choose {' or '.join(FORMATS)}")
    if engine.threads:
        raise UsageError("--workers shares the cores out itself: leave --threads out")
    choices = Choices.of(engine, video, limits)
    FORMATS[form].check()
    found = read_source(source)
    local = [Path(item.path) for item in found.items if item.protocol is None]
    check_outputs({"--csv": csv}, [*local, engine.model])
    if found.passed_over:
        words.print(f"passed over: {found.passed_over}")
    task = choices.task()
    begin = time.monotonic()
    with open_table(out, FORMATS[form], task, paths=paths) as table:
        with _crew(ray, task, workers, len(found.items), table) as crew, _progress() as tell:
            tally = answer_cohort(task, found.items, table, crew, limit, tell, retry=retry)
        _say_end(table, tally, time.monotonic() - begin)
        if csv:
            _write_csv(csv, table)
        if set(table.done.values()) == {"error"}:
            sys.exit(3)


@contextmanager
def _crew(
    address: str | None, task: Task, workers: int, files: int, table: Table
) -> Iterator[Crew]:
    """The workers of this machine, or of the Ray at an address."""
    from edgeecho.batch import Processes, WorkerPlan, on_ray
    from edgeecho.common.console import words
    from edgeecho.common.cpu import usable_cores

    if address is not None:
        with on_ray(address, task, workers, table) as crew:
            yield crew
        return
    plan = WorkerPlan.of(workers or usable_cores(), files)
    words.print(str(plan))
    yield Processes(task, plan)


@contextmanager
def _progress() -> Iterator[Callable[[Tally], None]]:
    """A bar on a terminal; elsewhere a line from time to time."""
    from edgeecho.common.console import progress_bar, words

    begin = said = time.monotonic()
    with progress_bar() as progress:
        bar = progress.add_task("files", total=None)

        def tell(tally: Tally) -> None:
            nonlocal said
            now = time.monotonic()
            pace = tally.answered_now / max(now - begin, 1e-9)
            progress.update(
                bar, completed=tally.done, total=tally.files, description=f"files, {pace:.1f}/s"
            )
            if progress.disable and now - said >= _SAY_S:
                said = now
                left = (tally.files - tally.done) / pace if pace else float("inf")
                words.print(
                    f"{tally.done:,} of {tally.files:,} files, {pace:.1f} files/s, "
                    f"about {left / 60:.0f} min left"
                )

        yield tell


def _say_end(table: Table, tally: Tally, seconds: float) -> None:
    from collections import Counter

    from edgeecho.common.about import RESEARCH_USE

    counts = Counter(table.done.values())
    files = "1 file" if tally.files == 1 else f"{tally.files:,} files"
    typer.echo(
        f"{files}: {counts['answered']:,} answered, {counts['refused']:,} refused, "
        f"{counts['error']:,} that could not be used"
    )
    pace = f", {tally.answered_now / seconds:.1f} a second" if tally.answered_now else ""
    typer.echo(f"{tally.answered_now:,} of them computed in this call, in {seconds:.0f} s{pace}")
    typer.echo(RESEARCH_USE)


def _write_csv(path: Path, table: Table) -> None:
    from edgeecho.batch.parts import write_csv
    from edgeecho.common.files import atomic_path

    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as text:
        # Without Result, JSON of some kilobytes a file.
        rows = [{**row, "Result": None} for row in table.rows()]
        write_csv(text, sorted(rows, key=lambda row: row["Number"]), leave_out=("Result",))
