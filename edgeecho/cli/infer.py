"""`edgeecho infer`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from edgeecho.estimation import LoadedModel
    from edgeecho.report import Outcome

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

Model = Annotated[
    Path | None, typer.Option(help="Bundle folder or .onnx file; default: the demo model.")
]
EngineName = Annotated[str, typer.Option(help="auto, openvino or onnxruntime.")]
Precision = Annotated[
    str | None, typer.Option(help="Which of the bundle's models to run; default: fp32.")
]
Clips = Annotated[str, typer.Option(help="Clips to average: one, center, all or stride:N.")]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0: the engine's choice.")]


@app.command()
def infer(
    videos: Annotated[list[Path], typer.Argument(help="Videos, DICOM cines, or folders of them.")],
    model: Model = None,
    engine: EngineName = "auto",
    precision: Precision = None,
    clips: Clips = "stride:16",
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write a CSV file.")] = None,
) -> None:
    """EF of videos and DICOM cines. Research use only, not for diagnosis.

    Exit code 0: all answered; 3: at least one file could not be used (the others were).
    """
    from edgeecho.cine import find_videos
    from edgeecho.estimation import load_model
    from edgeecho.files import write_text
    from edgeecho.preprocess import ClipMode
    from edgeecho.report import Failure, to_csv, to_json, to_text

    ClipMode.parse(clips)  # before the model is loaded, so that a typo costs nothing
    files = find_videos(videos)
    outcomes = _answer_all(
        files, load_model(model, engine=engine, precision=precision, threads=threads), clips
    )
    failures = [o.answer for o in outcomes if isinstance(o.answer, Failure)]
    alone = len(failures) == len(outcomes) == 1
    if json:
        typer.echo(to_json(outcomes))
    elif not alone:
        typer.echo(to_text(outcomes))
    if alone:
        # A single file that cannot be used is an error like any other: one line, on stderr.
        typer.echo(f"edgeecho: {failures[0].message}", err=True)
    # Last: answers that took long must not be lost because a table cannot be written.
    if csv:
        write_text(csv, to_csv(outcomes))
    if failures:
        sys.exit(failures[0].exit_code)


def _answer_all(files: tuple[Path, ...], model: LoadedModel, clips: str) -> list[Outcome]:
    from edgeecho.console import progress_bar
    from edgeecho.errors import EngineError, InputError
    from edgeecho.estimation import estimate_file
    from edgeecho.report import Failure, Outcome

    outcomes = []
    with progress_bar() as progress:
        for file in progress.track(files, description="videos"):
            try:
                outcomes.append(Outcome(file.name, estimate_file(file, model, clips=clips)))
            except (InputError, EngineError) as error:
                outcomes.append(Outcome(file.name, Failure.of(error)))
    return outcomes
