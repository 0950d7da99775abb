"""The forms in which results leave edgeecho, one row each.

The command line, the service and the tests loop over this table. A new form is a module with a
writer, and a row here; one that is written to a file beside the answer also needs its option in
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


@dataclass(frozen=True)
class ReportFile:
    """A report that is a file of its own, made and not yet written."""

    name: str
    """Without the suffix."""
    save: Callable[[Path], None]


@dataclass(frozen=True)
class Format:
    """How results are written in one form, and who offers it."""

    name: str
    """As `--format` takes it; of place `file`, its option is `--NAME`."""
    place: Literal["stdout", "file", "folder"]
    """One document on stdout, one in a file beside what is on stdout, or a file in a folder for
    each result."""
    writer: str
    """`module:function` in this package. It is called as `write` says; of place `folder`, as
    `write_file` says."""
    about: str = ""
    """What the help of `--format` says of it."""
    suffix: str = ""
    """Of a file, and in the service's API, without the first dot."""
    media_type: str = ""
    """In the service's API; empty: not offered there."""
    dated: bool = False
    """The document says when it was made: its writer takes the time, too."""
    holds_refused: bool = True
    """It may hold numbers that a gate refused, marked as such. False: never."""
    holds_frames: bool = False
    """It shows frames of the video."""
    extra: str | None = None
    """Of edgeecho, which the writer needs."""

    def load(self) -> Any:
        """The writer, imported."""
        module, function = self.writer.split(":")
        return getattr(import_module(f"{__package__}.{module}"), function)

    def write(self, outcomes: Sequence[Outcome], created: datetime) -> str:
        """The document; `created` has a time zone."""
        text: str = self.load()(outcomes, *([created] if self.dated else []))
        return text

    def write_file(self, file: Path, outcome: Outcome, created: datetime) -> ReportFile:
        """The report on one file, an answered one; `InputError` where there can be none.

        `created` is local time.
        """
        report: ReportFile = self.load()(file, outcome, created)
        return report


_ROWS = (
    Format("text", "stdout", "text:to_text"),
    Format("json", "stdout", "structured:to_json", suffix="json", media_type="application/json"),
    Format("csv", "file", "table:to_csv", suffix="csv", media_type="text/csv; charset=utf-8"),
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
        extra="dicom",
    ),
)
FORMATS: Mapping[str, Format] = {row.name: row for row in _ROWS}
"""By name."""
