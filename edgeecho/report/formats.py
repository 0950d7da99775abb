"""The table of formats in which results leave edgeecho.

The command line, the service and the tests loop over it. A new format is a module with a writer
and a row here; one that is written to a file beside the answer also needs its option in
`edgeecho.cli.options.reports`. Importing the table imports no writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from edgeecho.results import Outcome
    from edgeecho.study import StudyAnswer


@dataclass(frozen=True)
class ReportFile:
    """A report that is a file of its own, not yet written."""

    name: str
    """File name without the suffix."""
    save: Callable[[Path], None]


@dataclass(frozen=True)
class Format:
    """One format: its writer, and where it is offered."""

    name: str
    """Value of `--format`; if `place` is `file`, the option is `--NAME`."""
    place: Literal["stdout", "file", "folder"]
    """One document on stdout, one in a file beside that on stdout, or a file for each result in a
    folder."""
    writer: str
    """`module:function` in this package. It is called as in `write` or, if `place` is
    `folder`, as in `write_file`."""
    about: str = ""
    """Description in the help of `--format`."""
    suffix: str = ""
    """Of files and in the service's API, without the first dot."""
    media_type: str = ""
    """In the service's API; empty: not offered there."""
    dated: bool = False
    """Whether the document contains the time of writing; its writer then takes that too."""
    holds_refused: bool = True
    """Whether it may hold numbers that a gate refused, marked as such."""
    holds_frames: bool = False
    """Whether it shows frames of the video."""
    of_beats: bool = False
    """Whether it is about beats alone: the service offers it of videos that were traced."""
    of_studies: str = ""
    """Writer of the document about studies, `module:function`, called as in `write_studies` or, if
    `place` is `folder`, as in `write_study_file`; empty: it has none."""
    extra: str | None = None
    """The extra of edgeecho that the writer needs."""

    def load(self) -> Any:
        """Import the writer."""
        return _import(self.writer)

    def write(self, outcomes: Sequence[Outcome], created: datetime) -> str:
        """The document; `created` has a time zone."""
        text: str = self.load()(outcomes, *([created] if self.dated else []))
        return text

    def write_studies(self, studies: Sequence[StudyAnswer], outcomes: Sequence[Outcome]) -> str:
        """The document about studies of these files; only if `of_studies`."""
        text: str = _import(self.of_studies)(studies, outcomes)
        return text

    def write_file(self, file: Path, outcome: Outcome, created: datetime) -> ReportFile:
        """The report on one answered file; `InputError` if it cannot have one.

        `created` is local time.
        """
        report: ReportFile = self.load()(file, outcome, created)
        return report

    def write_study_file(
        self,
        study: StudyAnswer,
        files: Sequence[Path],
        outcomes: Sequence[Outcome],
        created: datetime,
    ) -> ReportFile:
        """The report on a study of these files; `InputError` if it cannot have one.

        `created` is local time.
        """
        report: ReportFile = _import(self.of_studies)(study, files, outcomes, created)
        return report


def _import(writer: str) -> Any:
    module, function = writer.split(":")
    return getattr(import_module(f"{__package__}.{module}"), function)


_ROWS = (
    Format("text", "stdout", "text:to_text", of_studies="study:to_text"),
    Format(
        "json",
        "stdout",
        "structured:to_json",
        suffix="json",
        media_type="application/json",
        of_studies="study:to_json",
    ),
    Format("csv", "file", "table:to_csv", suffix="csv", media_type="text/csv; charset=utf-8"),
    Format(
        "beats-csv",
        "file",
        "beats_table:to_beats_csv",
        suffix="beats.csv",
        media_type="text/csv; charset=utf-8",
        of_beats=True,
    ),
    Format(
        "html",
        "file",
        "html:to_html",
        suffix="html",
        media_type="text/html; charset=utf-8",
        dated=True,
        holds_frames=True,
    ),
    Format(
        "fhir",
        "stdout",
        "fhir:to_fhir",
        about="FHIR R5 on stdout",
        suffix="fhir.json",
        media_type="application/fhir+json",
        dated=True,
        holds_refused=False,
    ),
    Format(
        "dicom-sr",
        "folder",
        "dicom_sr:to_sr_file",
        about="structured reports in --out",
        suffix="dcm",
        holds_refused=False,
        of_studies="dicom_study_file:to_study_file",
        extra="dicom",
    ),
)
FORMATS: Mapping[str, Format] = {row.name: row for row in _ROWS}
