"""`edgeecho infer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from edgeecho.estimation import EFEstimate
    from edgeecho.preprocess import Prepared
    from edgeecho.report import Failure, Outcome

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
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
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
) -> None:
    """EF of videos and DICOM cines. Research use only, not for diagnosis.

    A result that a gate refused carries its reasons and no EF. Exit code 0: all answered; 5: at
    least one answer was refused; 3: at least one file could not be used (this goes before 5).
    """
    from edgeecho.cine import Limits, find_videos
    from edgeecho.cli.handling import parse_handling
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.console import words
    from edgeecho.estimation import answer_file, load_model
    from edgeecho.files import write_text
    from edgeecho.plain import plain
    from edgeecho.preprocess import ClipMode
    from edgeecho.report import Failure, to_csv, to_json, to_text

    # Before the model is loaded, so that a typo costs nothing.
    ClipMode.parse(clips)
    handling = parse_handling(time, crop, no_crop, fps)
    limits = Limits(max_pixels, max_frames, max_mb)
    if stream:
        from edgeecho.cli.stream import check_source, stride_of
        from edgeecho.cli.stream import stream as play

        mode = stride_of(clips)
        source = check_source(videos, frame_size, fps, csv or html)
        loaded = load_model(model, engine=engine, precision=precision, threads=threads)
        play(source, loaded, mode, over, handling, fps, frame_size, limits, json, show_refused)
        return
    found = find_videos(videos)
    check_outputs({"--csv": csv, "--html": html}, [*found.files, model])
    if found.passed_over:
        files = "1 file" if found.passed_over == 1 else f"{found.passed_over} files"
        words.print(f"{files} passed over: neither video nor DICOM image")
    loaded = load_model(model, engine=engine, precision=precision, threads=threads)
    outcomes = _answer_all(
        found.files,
        lambda file: answer_file(
            file, loaded, clips=clips, handling=handling, fps=fps, limits=limits
        ),
        pictures=html is not None,
        show_refused=show_refused,
    )
    failures = [o.answer for o in outcomes if isinstance(o.answer, Failure)]
    alone = len(failures) == len(outcomes) == 1
    if json:
        typer.echo(to_json(outcomes))
    elif not alone:
        typer.echo(to_text(outcomes))
    if alone:
        # A single file that cannot be used is an error like any other: one line, on stderr.
        typer.echo(plain(f"edgeecho: {failures[0].message}"), err=True)
    # Last: answers that took long must not be lost because a table cannot be written.
    if csv:
        write_text(csv, to_csv(outcomes))
    if html:
        from datetime import datetime, timezone

        from edgeecho.report.html import to_html

        write_text(html, to_html(outcomes, datetime.now(timezone.utc)))
    _exit(failures, outcomes)


def _exit(failures: list[Failure], outcomes: list[Outcome]) -> None:
    from edgeecho.errors import REFUSED_EXIT_CODE

    if failures:
        sys.exit(failures[0].exit_code)
    if any(outcome.status == "refused" for outcome in outcomes):
        sys.exit(REFUSED_EXIT_CODE)


def _answer_all(
    files: tuple[Path, ...],
    answer: Callable[[Path], tuple[EFEstimate, Prepared]],
    *,
    pictures: bool,
    show_refused: bool,
) -> list[Outcome]:
    from edgeecho.console import progress_bar
    from edgeecho.errors import EngineError, InputError, MissingDependencyError
    from edgeecho.report import Answer, Failure, Outcome
    from edgeecho.report.pictures import Pictures, frames_each

    most = frames_each(len(files)) if pictures else 0
    outcomes = []
    with progress_bar() as progress:
        for file in progress.track(files, description="videos"):
            name = file.name.encode("utf-8", "backslashreplace").decode()
            try:
                estimate, prepared = answer(file)
            except (InputError, EngineError, MissingDependencyError) as error:
                outcomes.append(Outcome(name, Failure.of(error)))
                continue
            frames = Pictures.of(prepared, estimate, most) if most else None
            shown = Answer.of(estimate, show_refused=show_refused)
            outcomes.append(Outcome(name, shown, _sha256(file), frames))
    return outcomes


def _sha256(file: Path) -> str | None:
    from edgeecho.files import sha256_file

    try:
        return sha256_file(file)
    except OSError:  # it was read a moment ago, so it was taken away since
        return None
