"""`edgeecho infer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.batch import Task
    from edgeecho.results import Outcome

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Model = Annotated[
    Path | None,
    typer.Option(
        help="Bundle folder or .onnx file; default: $EDGEECHO_MODEL, or else the demo model."
    ),
]
EngineName = Annotated[
    str,
    typer.Option(help="auto, openvino, onnxruntime, onnxruntime-cuda, tensorrt, ... (see doctor)."),
]
Precision = Annotated[
    str | None,
    typer.Option(help="Which of the bundle's models to run; default: fp32, or its only one."),
]
Clips = Annotated[str, typer.Option(help="Clips to average: one, center, all or stride:N.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0: the engine's choice.")]
Fps = Annotated[
    float | None, typer.Option(help="Frames/s of the video, instead of what the file says.")
]
Time = Annotated[
    str | None,
    typer.Option(help="native (frames by index) or resample; default: as the model was trained."),
]
Crop = Annotated[
    str | None,
    typer.Option(metavar="X,Y,W,H", help="Cut out this rectangle (pixels) as the sector."),
]
NoCrop = Annotated[
    bool, typer.Option("--no-crop", help="Take the central square; look for no sector.")
]
MaxFrames = Annotated[int, typer.Option(min=1, help="Refuse videos with more frames.")]
MaxPixels = Annotated[int, typer.Option(min=1, help="Refuse frames with more pixels.")]
MaxMB = Annotated[int, typer.Option(min=1, help="Refuse files, or decoded frames, above it.")]


@app.command()
def infer(
    videos: Annotated[
        list[Path],
        typer.Argument(help="Videos, DICOM cines, or folders of them; - with --stream: stdin."),
    ],
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    clips: Clips = "stride:16",
    threads: Threads = 0,
    fps: Fps = None,
    time: Time = None,
    crop: Crop = None,
    no_crop: NoCrop = False,
    max_frames: MaxFrames = 4000,
    max_pixels: MaxPixels = 16_777_216,
    max_mb: MaxMB = 800,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, json, fhir (FHIR R5 on stdout) or dicom-sr (structured reports in --out).",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="With --format dicom-sr: where the reports go."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write a page with frames and curves for a browser.")
    ] = None,
    show_refused: Annotated[
        bool,
        typer.Option("--show-refused", help="Show refused EFs too, marked, with their reasons."),
    ] = False,
    stream: Annotated[
        bool,
        typer.Option("--stream", help="Play one video in real time, or raw RGB frames on stdin."),
    ] = False,
    over: Annotated[
        float, typer.Option(min=1, help="With --stream: answer for the last so many seconds.")
    ] = 10.0,
    frame_size: Annotated[
        str | None, typer.Option(metavar="WxH", help="Of raw frames on stdin, in pixels.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that share the cores; 0: this one alone.")
    ] = 0,
    limit: Annotated[
        float,
        typer.Option(
            metavar="S", min=1, max=1_000_000, help="A video that takes longer is tried once more."
        ),
    ] = 600,
    resume: Annotated[
        Path | None,
        typer.Option(help="Keep answers in this file as they come, and go on from it."),
    ] = None,
) -> None:
    """EF of videos and DICOM cines. Research use only, not for diagnosis.

    A result that a gate refused carries its reasons and no EF. Exit code 0: all answered; 5: at
    least one answer was refused; 3: at least one file could not be used (this goes before 5).
    """
    from edgeecho.bundle import open_model
    from edgeecho.cine import Limits, find_videos
    from edgeecho.cli.formats import check_format, choose_format, make_reports, write_reports
    from edgeecho.cli.handling import parse_handling
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.errors import UsageError
    from edgeecho.preprocess import ClipMode

    # Before the model is loaded, so that a typo costs nothing.
    form = choose_format(form, json=json)
    json = form == "json"
    mode = ClipMode.parse(clips)
    handling = parse_handling(time, crop, no_crop, fps)
    limits = Limits(max_pixels, max_frames, max_mb)
    if stream:
        from edgeecho.cli.stream import check_source, stride_of
        from edgeecho.cli.stream import stream as play
        from edgeecho.inference import load_model

        if workers:
            raise UsageError("--stream plays one video: leave --workers out")
        if form not in ("text", "json") or out:
            raise UsageError("--stream writes text or JSON: leave --format fhir or dicom-sr out")
        mode = stride_of(clips)
        source = check_source(videos, frame_size, fps, csv or html or resume)
        loaded = load_model(model, engine=engine, precision=precision, threads=threads)
        play(source, loaded, mode, over, handling, fps, frame_size, limits, json, show_refused)
        return
    if workers and threads:
        raise UsageError("--workers shares the cores out itself: leave --threads out")
    found = find_videos(videos)
    outputs = {"--csv": csv, "--html": html, "--resume": resume}
    check_outputs(outputs, [*found.files, model])
    check_format(form, out, found.files, show_refused=show_refused)
    if found.passed_over:
        _say(f"passed over: {found.passed_over_words}")
    # Before the reports, which take longer to import: a model that is not there costs nothing.
    opened = open_model(model, precision=precision)
    from edgeecho.batch import Task
    from edgeecho.results.pictures import frames_each

    task = Task(
        model=opened,
        engine=engine,
        clips=str(mode),
        handling=handling,
        fps=fps,
        limits=limits,
        show_refused=show_refused,
        frames=frames_each(len(found.files)) if html else 0,
    )
    outcomes = _answer_all(task, found.files, threads, workers, resume, limit)
    reports, outcomes = make_reports(out, found.files, outcomes)
    _say_all(outcomes, form)
    # Last: answers that took long must not be lost because a file cannot be written.
    write_reports(reports)
    _write_all(outcomes, csv=csv, html=html)
    _end(outcomes)


def _answer_all(
    task: Task,
    files: tuple[Path, ...],
    threads: int,
    workers: int,
    resume: Path | None,
    limit_s: float,
) -> list[Outcome]:
    from contextlib import ExitStack

    from edgeecho.batch import Crew, answer_all, open_record
    from edgeecho.common.console import progress_bar

    with ExitStack() as stack:
        record = stack.enter_context(open_record(resume, task)) if resume else None
        if record is not None and len(record):
            _say(f"going on after {len(record)} answers")
            if task.frames:
                _say("the page shows no frames of files that were answered before")
        crew = Crew.of(workers, len(files)) if workers else None
        if crew:
            _say(str(crew))
        progress = stack.enter_context(progress_bar())
        bar = progress.add_task("videos", total=len(files))
        return answer_all(
            task,
            files,
            threads=threads,
            crew=crew,
            record=record,
            limit_s=limit_s,
            tell=lambda done: progress.update(bar, completed=done),
        )


def _say_all(outcomes: list[Outcome], form: str) -> None:
    from edgeecho.cli.formats import as_document
    from edgeecho.report import to_text

    if document := as_document(form, outcomes):
        typer.echo(document)
    elif len(outcomes) > 1 or outcomes[0].status != "error":
        # A single file that cannot be used is an error like any other: one line, on stderr.
        typer.echo(to_text(outcomes))


def _write_all(outcomes: list[Outcome], *, csv: Path | None, html: Path | None) -> None:
    from edgeecho.common.files import write_text
    from edgeecho.report import to_csv

    if csv:
        write_text(csv, to_csv(outcomes))
    if html:
        from datetime import datetime, timezone

        from edgeecho.report.html import to_html

        write_text(html, to_html(outcomes, datetime.now(timezone.utc)))


def _end(outcomes: list[Outcome]) -> None:
    """Say which files have no answer, and end with the code that says so."""
    from edgeecho.common.errors import REFUSED_EXIT_CODE
    from edgeecho.common.text import plain
    from edgeecho.results import Failure

    failed = [(o.file, o.answer) for o in outcomes if isinstance(o.answer, Failure)]
    if len(outcomes) > 1 and failed:
        _say(f"{len(failed)} of {len(outcomes)} files have no answer:")
        for name, failure in failed:
            _say(plain(f"  {name}: {failure.message}"))
    elif failed:
        typer.echo(plain(f"edgeecho: {failed[0][1].message}"), err=True)
    if failed:
        sys.exit(failed[0][1].exit_code)
    if any(outcome.status == "refused" for outcome in outcomes):
        sys.exit(REFUSED_EXIT_CODE)


def _say(text: str) -> None:
    from edgeecho.common.console import words

    words.print(text)
