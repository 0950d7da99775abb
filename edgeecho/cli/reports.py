"""What `edgeecho infer` says and writes of its results, in whatever formats were chosen."""

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


def make_reports(
    form: Format, files: Sequence[Path], outcomes: Sequence[Outcome]
) -> tuple[dict[str, ReportFile], list[Outcome]]:
    """A report for each file with an answer, by file name, and outcomes that say why others have
    none. Where `form` is one document and no folder, none is made and the outcomes stay as they
    are."""
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


def say(form: Format, outcomes: Sequence[Outcome]) -> None:
    """The document on stdout, or words for people where `form` puts nothing there."""
    text = FORMATS["text"]
    shown = form if form.place == "stdout" else text
    # A single file that cannot be used is an error like any other: one line, on stderr.
    if shown is not text or len(outcomes) > 1 or outcomes[0].status != "error":
        typer.echo(shown.write(outcomes, datetime.now(timezone.utc)))


def write_reports(out: Path, reports: Mapping[str, ReportFile]) -> None:
    """Into the folder `out`; `OutputError` where that cannot be done."""
    from edgeecho.common.files import atomic_path

    for name, report in reports.items():
        with atomic_path(out / name) as temporary:
            report.save(temporary)


def write_beside(paths: Mapping[str, Path], outcomes: Sequence[Outcome]) -> None:
    """The documents that are wanted beside what was said; `paths` by name of the format."""
    from edgeecho.common.files import write_text

    for name, path in paths.items():
        write_text(path, FORMATS[name].write(outcomes, datetime.now(timezone.utc)))
