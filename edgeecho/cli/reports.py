"""What `edgeecho infer` prints and writes, in the chosen formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from edgeecho.report.formats import FORMATS, Format, ReportFile

if TYPE_CHECKING:
    from edgeecho.results import Outcome
    from edgeecho.study import StudyAnswer


def make_reports(
    form: Format, files: Sequence[Path], outcomes: Sequence[Outcome]
) -> tuple[dict[str, ReportFile], list[Outcome]]:
    """If `form` goes into a folder: a report on each answered file, by file name, and the outcomes,
    in which a file without a report has failed. Otherwise no reports, and `outcomes` unchanged."""
    if form.place != "folder":
        return {}, list(outcomes)
    from edgeecho.common.errors import InputError
    from edgeecho.results import Failure

    created, reports, told = datetime.now(), {}, []
    for number, (file, outcome) in enumerate(zip(files, outcomes, strict=True), 1):
        if not isinstance(outcome.answer, Failure):
            try:
                report = form.write_file(file, outcome, created)
                reports[f"{number:04d}-{report.name}.{form.suffix}"] = report
            except InputError as error:
                outcome = replace(outcome, answer=Failure.of(error))  # noqa: PLW2901
        told.append(outcome)
    return reports, told


def make_study_reports(
    form: Format, files: Sequence[Path], outcomes: Sequence[Outcome], studies: Sequence[StudyAnswer]
) -> tuple[dict[str, ReportFile], list[str]]:
    """If `form` goes into a folder: a report on each study, by file name, and in a line each why
    others have none. Otherwise neither."""
    if form.place != "folder":
        return {}, []
    from edgeecho.common.errors import InputError

    created, reports, without = datetime.now(), {}, []
    for number, study in enumerate(studies, 1):
        try:
            report = form.write_study_file(study, files, outcomes, created)
            reports[f"{number:04d}-{report.name}.{form.suffix}"] = report
        except InputError as error:
            without.append(f"study {number}: {error}")
    return reports, without


def say_studies(form: Format, outcomes: Sequence[Outcome], studies: Sequence[StudyAnswer]) -> None:
    """Print the document on studies, or text for people if `form` has nothing for stdout."""
    shown = form if form.place == "stdout" else FORMATS["text"]
    typer.echo(shown.write_studies(studies, outcomes))


def say(form: Format, outcomes: Sequence[Outcome]) -> None:
    """Print the document, or text for people if `form` has nothing for stdout."""
    text = FORMATS["text"]
    shown = form if form.place == "stdout" else text
    # A single file that cannot be used is reported as an ordinary error: one line on stderr.
    if shown is not text or len(outcomes) > 1 or outcomes[0].status != "error":
        typer.echo(shown.write(outcomes, datetime.now(timezone.utc)))


def write_reports(out: Path, reports: Mapping[str, ReportFile]) -> None:
    """Save the reports in the folder `out`; `OutputError` if that is impossible."""
    from edgeecho.common.files import atomic_path

    for name, report in reports.items():
        with atomic_path(out / name) as temporary:
            report.save(temporary)


def write_beside(paths: Mapping[str, Path], outcomes: Sequence[Outcome]) -> None:
    """Write the documents to `paths`, which are by format name."""
    from edgeecho.common.files import write_text

    for name, path in paths.items():
        write_text(path, FORMATS[name].write(outcomes, datetime.now(timezone.utc)))
