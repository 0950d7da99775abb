"""`edgeecho bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.infer import EngineName, Model, Precision, Threads

if TYPE_CHECKING:
    from edgeecho.tools.bench.measure import Request
    from edgeecho.tools.bench.run import BenchRun

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
# By scenario: clips, rounds, cold starts.
_DEFAULTS = {
    "single": ("center", 30, 3),
    "study": ("all", 6, 1),
    "offline": ("stride:16", 10, 0),
    "stream": ("center", 10, 0),
}


@app.command()
def bench(
    videos: Annotated[
        list[Path] | None,
        typer.Argument(help="Video or DICOM cine, several or a folder for --scenario offline; "
                       "default: the demo's example clip."),
    ] = None,
    scenario: Annotated[
        str,
        typer.Option(help="single: file to answer; study: all clips of a video, with and without "
                     "shared work; offline: many videos; stream: a clip every so many ms."),
    ] = "single",
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    compare: Annotated[
        list[str] | None,
        typer.Option(metavar="SUBJECT",
                     help="[ENGINE:]PRECISION[:batchN][:plain], instead of --precision. May be "
                     "repeated: they take turns, and ratios are to the first."),
    ] = None,
    clips: Annotated[
        str | None,
        typer.Option(help="one, center, all or stride:N; default: center for a single answer and "
                     "the stream, all for a study, stride:16 offline."),
    ] = None,
    every: Annotated[
        float, typer.Option(min=1, help="stream: a clip comes every so many ms.")
    ] = 500,
    runs: Annotated[
        int | None,
        typer.Option(min=1, help="Warm runs that are timed; default: 30, of a study 6, of many "
                     "videos 10, of a stream 10 times 10 clips."),
    ] = None,
    warmup: Annotated[int | None, typer.Option(min=0, help="Runs before them; default: 3 of a "
                      "single answer, else 1.")] = None,
    cold_starts: Annotated[
        int | None,
        typer.Option(min=0, help="Fresh processes for the cold start; 0: leave it out; default: "
                     "3, of a study 1, else 0."),
    ] = None,
    threads: Threads = 0,
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
    """How long an answer takes on this machine. Research use only, not for diagnosis.

    A percentile is shown only where the number of runs carries it: p90 takes 10, p95 20 and
    p99 100 runs. With --baseline a run is slower if the whole 95 % interval of the ratio is.
    """
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.console import words
    from edgeecho.common.errors import UsageError
    from edgeecho.common.files import write_text
    from edgeecho.common.text import plain
    from edgeecho.tools.bench.document import read_run, to_json
    from edgeecho.tools.bench.measure import measure
    from edgeecho.tools.bench.text import to_text

    # All that can be wrong with the words, before the model is loaded.
    if scenario not in _DEFAULTS:
        raise UsageError(f"--scenario {scenario!r} is not known: choose {', '.join(_DEFAULTS)}")
    if compare and precision:
        raise UsageError("--precision and --compare both say what runs: leave one out")
    request = _request(scenario, videos, model, engine, precision, compare, clips, every,
                       (runs, warmup, cold_starts), threads)  # fmt: skip
    check_outputs({"--html": html, "--out": out}, [*request.videos, model, baseline])
    kept = read_run(baseline) if baseline else None
    # Lines, no progress bar: the bar's thread would run beside what is measured.
    run = measure(request, lambda line: words.print(plain(line)))
    typer.echo(to_json(run) if json else to_text(run))
    if out:
        write_text(out, to_json(run) + "\n")
    if html:
        _write_page(html, run)
    if kept:
        _gate(kept, run, slower_by)


def _request(
    scenario: str,
    videos: list[Path] | None,
    model: Path | None,
    engine: str,
    precision: str | None,
    compare: list[str] | None,
    clips: str | None,
    every: float,
    counts: tuple[int | None, int | None, int | None],
    threads: int,
) -> Request:
    from edgeecho.bundle import EXAMPLE
    from edgeecho.cine import find_videos
    from edgeecho.common.errors import UsageError
    from edgeecho.preprocess import ClipMode
    from edgeecho.tools.bench.measure import Request
    from edgeecho.tools.bench.subject import Subject

    usual_clips, usual_runs, usual_cold = _DEFAULTS[scenario]
    runs, warmup, cold_starts = counts
    mode = str(ClipMode.parse(clips or usual_clips))
    if scenario == "stream" and mode != "center":
        raise UsageError("--scenario stream answers one clip at a time: leave --clips out")
    files = tuple(videos or [EXAMPLE])
    if scenario == "offline":
        files = find_videos(files).files
    elif len(files) > 1:
        raise UsageError(f"--scenario {scenario} takes one video: give one, or take offline")
    usual_warmup = 3 if scenario == "single" else 1
    return Request(
        scenario=scenario,
        videos=files,
        model=model,
        subjects=tuple(Subject.parse(text, engine=engine) for text in compare or [])
        or (Subject(engine, precision),),
        clips=mode,
        every_ms=every if scenario == "stream" else None,
        rounds=usual_runs if runs is None else runs,
        warmup=usual_warmup if warmup is None else warmup,
        cold_starts=usual_cold if cold_starts is None else cold_starts,
        threads=threads,
    )


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
