"""`edgeecho evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeecho.cli.infer import Clips, EngineName, Model, Precision, Threads

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="Folder with FileList.csv and Videos/.")],
    model: Model = None,
    split: Annotated[str, typer.Option(help="TRAIN, VAL or TEST.")] = "TEST",
    clips: Clips = "stride:16",
    engine: EngineName = "auto",
    precision: Precision = None,
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the predictions.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the result into the bundle's model card.")
    ] = False,
) -> None:
    """Compare a model's EF with the labels of an EchoNet-format data set."""
    from json import dumps

    from edgeecho import RESEARCH_USE
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.console import progress_bar
    from edgeecho.dataset import SPLITS
    from edgeecho.errors import UsageError
    from edgeecho.estimation import load_model
    from edgeecho.evaluate import evaluate as run
    from edgeecho.evaluate import record_evaluation
    from edgeecho.evaluate.record import to_entry
    from edgeecho.files import write_text
    from edgeecho.preprocess import ClipMode
    from edgeecho.report import Answer, Outcome, to_csv

    ClipMode.parse(clips)
    if split.upper() not in SPLITS:
        raise UsageError(f"--split {split!r} is not known: choose {', '.join(SPLITS)}")
    if record and (model is None or not model.is_dir()):
        raise UsageError("--record needs --model BUNDLE, a folder to write into")
    check_outputs({"--csv": csv}, [data / "FileList.csv", data / "Videos", model])
    loaded = load_model(model, engine=engine, precision=precision, threads=threads)
    with progress_bar() as progress:
        result = run(
            data,
            loaded,
            split=split,
            clips=clips,
            track=lambda videos: progress.track(videos, description="videos"),
        )
    if json:
        typer.echo(dumps({"research_use": RESEARCH_USE, **to_entry(result)}, indent=2))
    else:
        typer.echo(result.to_text())
    if csv:
        # Refused ones too: the column Status tells them apart.
        outcomes = [
            Outcome(video.name, Answer.of(answer, show_refused=True))
            for video, answer in zip(result.videos, result.answers, strict=True)
        ]
        write_text(csv, to_csv(outcomes))
    if record and model:
        record_evaluation(model, result)
