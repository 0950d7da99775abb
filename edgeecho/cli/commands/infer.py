"""`edgeecho infer`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeecho.cli.options.answer import Choices, EngineOptions, LimitOptions, VideoOptions
from edgeecho.cli.options.groups import with_groups
from edgeecho.cli.options.reports import ReportOptions
from edgeecho.cli.options.run import BatchOptions
from edgeecho.cli.options.study import StudyOptions
from edgeecho.cli.reports import (
    make_reports,
    make_study_reports,
    say,
    say_studies,
    write_beside,
    write_reports,
)

if TYPE_CHECKING:
    from edgeecho.batch import Task
    from edgeecho.results import Outcome
    from edgeecho.study import Rule, StudyAnswer

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@with_groups
def infer(
    videos: Annotated[
        list[Path],
        typer.Argument(help="Videos, DICOM cines, or folders of them."),
    ],
    engine: EngineOptions,
    video: VideoOptions,
    limits: LimitOptions,
    reports: ReportOptions,
    batch: BatchOptions,
    study: StudyOptions,
) -> None:
    """EF of videos and DICOM cines.

    Research use only, not for diagnosis. A result that a gate refused carries its reasons and no
    EF. Exit code 0: all answered; 5: at least one answer was refused; 3: at least one file could
    not be used (this goes before 5). With --study that is said of studies: 3 is then one of which
    no file could be used.
    """
    from edgeecho.cine import find_videos
    from edgeecho.cli.outputs import check_outputs
    from edgeecho.common.errors import UsageError

    # Before the model is loaded, so that typing errors are reported at once.
    form = reports.choose()
    rule = study.rule(form, show_refused=reports.show_refused)
    choices = Choices.of(engine, video, limits)
    if batch.workers and engine.threads:
        raise UsageError("--workers shares the cores out itself: leave --threads out")
    found, beside = find_videos(videos), reports.beside()
    outputs = {f"--{name}": path for name, path in beside.items()}
    check_outputs(outputs, [*found.files, engine.model])
    reports.check(form, found.files)
    if found.passed_over:
        _say(f"passed over: {found.passed_over_words}")
    task = choices.task(
        show_refused=reports.show_refused, frames=reports.frames_each(len(found.files))
    )
    outcomes = _answer_all(task, found.files, engine.threads, batch)
    studies: list[StudyAnswer] = []
    without: list[str] = []
    if rule:
        studies = _answer_studies(found.files, outcomes, rule)
        made, without = make_study_reports(form, found.files, outcomes, studies)
        say_studies(form, outcomes, studies)
    else:
        made, outcomes = make_reports(form, found.files, outcomes)
        say(form, outcomes)
    # Last, so that no answers are lost if a file cannot be written.
    if reports.out:
        write_reports(reports.out, made)
    write_beside(beside, outcomes)
    if studies:
        _end_studies(studies, without)
    else:
        _end(outcomes)


def _answer_all(
    task: Task, files: tuple[Path, ...], threads: int, batch: BatchOptions
) -> list[Outcome]:
    from edgeecho.batch import WorkerPlan, answer_all
    from edgeecho.common.console import progress_bar

    plan = WorkerPlan.of(batch.workers, len(files)) if batch.workers else None
    if plan:
        _say(str(plan))
    with progress_bar() as progress:
        bar = progress.add_task("videos", total=len(files))
        return answer_all(
            task,
            files,
            threads=threads,
            plan=plan,
            limit_s=batch.limit,
            on_progress=lambda done: progress.update(bar, completed=done),
        )


def _answer_studies(
    files: Sequence[Path], outcomes: Sequence[Outcome], rule: Rule
) -> list[StudyAnswer]:
    from edgeecho.study import Clip, answer_study, gather

    return [
        answer_study([Clip.of(place + 1, outcomes[place]) for place in places], rule)
        for places in gather(files)
    ]


def _end_studies(studies: Sequence[StudyAnswer], without: Sequence[str]) -> None:
    """Say why studies are `without` a report, and exit with the matching code; of everything else
    the document has said why."""
    from edgeecho.common.errors import REFUSED_EXIT_CODE, InputError

    for why in without:
        _say(f"no report on {why}")
    if without:
        sys.exit(InputError.exit_code)

    for study in studies:
        if study.status == "error":
            sys.exit(next(one.clip.failure.exit_code for one in study.clips if one.clip.failure))
    if any(one.status == "refused" for one in studies):
        sys.exit(REFUSED_EXIT_CODE)


def _end(outcomes: list[Outcome]) -> None:
    """Report the files without an answer, and exit with the matching code."""
    from edgeecho.common.errors import REFUSED_EXIT_CODE
    from edgeecho.common.text import printable
    from edgeecho.results import Failure

    failed = [(o.file, o.answer) for o in outcomes if isinstance(o.answer, Failure)]
    if len(outcomes) > 1 and failed:
        _say(f"{len(failed)} of {len(outcomes)} files have no answer:")
        for name, failure in failed:
            _say(printable(f"  {name}: {failure.message}"))
    elif failed:
        typer.echo(printable(f"edgeecho: {failed[0][1].message}"), err=True)
    if failed:
        sys.exit(failed[0][1].exit_code)
    if any(outcome.status == "refused" for outcome in outcomes):
        sys.exit(REFUSED_EXIT_CODE)


def _say(text: str) -> None:
    from edgeecho.common.console import words

    words.print(text)
