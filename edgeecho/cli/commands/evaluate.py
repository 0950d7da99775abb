"""`edgeecho evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import Clips, EngineName, Model, Threads

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.progress import Progress

    from edgeecho.dataset import LabelledVideo

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def evaluate(
    data: Annotated[Path, typer.Argument(help="Folder with FileList.csv and Videos/.")],
    model: Model = None,
    split: Annotated[str, typer.Option(help="TRAIN, VAL or TEST.")] = "TEST",
    clips: Clips = "stride:16",
    also: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLIPS",
            help="A coarser mode, computed from the clips of --clips. May be repeated.",
        ),
    ] = None,
    engine: EngineName = "auto",
    precision: Annotated[
        list[str] | None,
        typer.Option(
            help="Which of the bundle's models to run; default: fp32. May be repeated: the others "
            "are compared with the first."
        ),
    ] = None,
    threads: Threads = 0,
    json: Annotated[bool, typer.Option("--json", help="JSON on stdout.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for page, plots, predictions; a run that was ended goes on."),
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the result into the bundle's model card.")
    ] = False,
) -> None:
    """Compare a model's EF with the labels of an EchoNet-format data set.

    Research use only, not for diagnosis. Needs the extra `evaluate`, but no torch.
    """
    from datetime import datetime, timezone
    from json import dumps

    from edgeecho.common.console import progress_bar, words
    from edgeecho.common.errors import UsageError
    from edgeecho.common.plugins import require_extra
    from edgeecho.common.text import printable
    from edgeecho.dataset import SPLITS
    from edgeecho.inference import load_model
    from edgeecho.tools.evaluate import (
        assess,
        check_folder,
        record_evaluation,
        to_text,
        write_results,
    )
    from edgeecho.tools.evaluate import evaluate as run
    from edgeecho.tools.evaluate.modes import parse_modes
    from edgeecho.tools.evaluate.write import WORK

    require_extra("`edgeecho evaluate`", "evaluate")
    if split.upper() not in SPLITS:
        raise UsageError(f"--split {split!r} is not known: choose {', '.join(SPLITS)}")
    if record and (model is None or not model.is_dir()):
        raise UsageError("--record needs --model BUNDLE, a folder to write into")
    if precision and len(set(precision)) < len(precision):
        raise UsageError("--precision names one model twice: leave one out")
    if out:
        check_folder(out)
    parse_modes(clips, also or [])
    wanted: list[str | None] = [*precision] if precision else [None]
    models = [load_model(model, engine=engine, precision=p, threads=threads) for p in wanted]
    with progress_bar() as progress:
        evaluation = run(
            data,
            models,
            split=split,
            clips=clips,
            also=also or [],
            work=out and out / WORK,
            track=lambda videos, done, what: _track(progress, videos, done, what),
        )
    report = assess(evaluation)
    typer.echo(dumps(report.to_dict(), indent=2) if json else to_text(report))
    if out:
        write_results(out, report, datetime.now(timezone.utc))
        words.print(printable(f"wrote {out / 'index.html'}"))
    if record and model:
        record_evaluation(model, report)


def _track(
    progress: Progress, videos: Sequence[LabelledVideo], done: int, what: str
) -> Iterable[LabelledVideo]:
    from edgeecho.common.console import words

    if done:
        words.print(f"{what}: going on after {done} videos that were answered before")
    total = done + len(videos)
    return progress.track(videos, description=what, total=total, completed=done)
