"""`edgeecho bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.cli.infer import Clips, EngineName, Model, Precision, Threads

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    video: Annotated[
        Path | None, typer.Argument(help="Video or DICOM cine; default: the demo's example clip.")
    ] = None,
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    clips: Clips = "center",
    runs: Annotated[int, typer.Option(min=1, help="Warm runs that are timed.")] = 30,
    warmup: Annotated[int, typer.Option(min=0, help="Runs before them.")] = 3,
    cold_starts: Annotated[
        int, typer.Option(min=0, help="Fresh processes for the cold start; 0: leave it out.")
    ] = 3,
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
) -> None:
    """How long an answer takes on this machine. Research use only, not for diagnosis.

    A percentile is shown only where the number of runs carries it: p90 takes 10, p95 20 and
    p99 100 runs.
    """
    from edgeecho.bench.cold import Job, measure_cold_starts
    from edgeecho.bench.environment import read_environment
    from edgeecho.bench.measure import measure_warm_runs
    from edgeecho.bench.report import BenchReport, to_json, to_text
    from edgeecho.bundle import EXAMPLE
    from edgeecho.console import words
    from edgeecho.estimation import load_model
    from edgeecho.preprocess import ClipMode

    ClipMode.parse(clips)  # before the model is loaded, so that a typo costs nothing
    video = EXAMPLE if video is None else video
    environment = read_environment()
    loaded = load_model(model, engine=engine, precision=precision, threads=threads)
    facts = loaded.engine.facts
    # Lines, no progress bar: the bar's thread would run beside what is measured.
    words.print(f"{warmup} + {runs} warm runs on {facts.name} ...")
    warm = measure_warm_runs(video, loaded, clips=clips, runs=runs, warmup=warmup)
    words.print(f"{cold_starts} cold starts ...")
    path = None if model is None else str(model)
    # The engine that ran, not `auto`: both halves of the report are then of the same one.
    job = Job(str(video), path, facts.name, loaded.file.precision, clips, threads)
    cold = measure_cold_starts(job, cold_starts)
    report = BenchReport(video.name, clips, loaded.file, facts, environment, cold, warm)
    typer.echo(to_json(report) if json else to_text(report))
