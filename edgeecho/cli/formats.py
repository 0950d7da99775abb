"""`edgeecho infer --format`: which forms there are, what each needs, and writing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from edgeecho.results import Outcome

FORMATS = ("text", "json", "fhir", "dicom-sr")


def choose_format(wanted: str | None, *, json: bool) -> str:
    """`--format` and its older form `--json` as one; `UsageError` where they contradict."""
    from edgeecho.common.errors import UsageError

    if wanted is not None and wanted not in FORMATS:
        raise UsageError(f"--format {wanted!r} is not known: choose {', '.join(FORMATS)}")
    if json and wanted not in (None, "json"):
        raise UsageError(f"--json is --format json, and not {wanted}: leave one out")
    return "json" if json else wanted or "text"


def check_format(form: str, out: Path | None, files: Sequence[Path], *, show_refused: bool) -> None:
    """`UsageError` where it does not go with the other options; makes the folder `out`.

    `MissingDependencyError` where it needs software that is not installed.
    """
    from edgeecho.common.errors import UsageError
    from edgeecho.common.files import make_folder
    from edgeecho.common.plugins import require_extra

    if show_refused and form in ("fhir", "dicom-sr"):
        raise UsageError(f"--format {form} never holds refused numbers: leave --show-refused out")
    if (form == "dicom-sr") != (out is not None):
        raise UsageError("--format dicom-sr and --out FOLDER go together: give both or neither")
    if out is None:
        return
    require_extra("`--format dicom-sr`", "dicom")
    if any(file.resolve().parent == out.resolve() for file in files):
        raise UsageError(f"--out {out} holds files to be read: choose another folder")
    make_folder(out)


@dataclass(frozen=True)
class Report:
    """A DICOM structured report and the file that it is to be."""

    path: Path
    dataset: Dataset


def make_reports(
    out: Path | None, files: Sequence[Path], outcomes: Sequence[Outcome]
) -> tuple[list[Report], list[Outcome]]:
    """A report for each DICOM file with an answer, and outcomes that say why others have none.

    `out`: the folder for them; None: none is wanted, and the outcomes stay as they are.
    """
    if out is None:
        return [], list(outcomes)
    from edgeecho.common.errors import InputError
    from edgeecho.report.dicom_source import read_header
    from edgeecho.report.dicom_sr import to_sr
    from edgeecho.results import Failure

    created, reports, told = datetime.now(), [], []
    for number, (file, outcome) in enumerate(zip(files, outcomes, strict=True), 1):
        if not isinstance(outcome.answer, Failure):
            try:
                dataset = to_sr(outcome, read_header(file), created=created)
                # The report's own UID: the source's leads to the patient.
                name = f"{number:04d}-{dataset.SOPInstanceUID}.dcm"
                reports.append(Report(out / name, dataset))
            except InputError as error:
                outcome = replace(outcome, answer=Failure.of(error))  # noqa: PLW2901
        told.append(outcome)
    return reports, told


def write_reports(reports: Sequence[Report]) -> None:
    """Write them; `OutputError` where that cannot be done."""
    from edgeecho.common.files import atomic_path

    for report in reports:
        with atomic_path(report.path) as temporary:
            report.dataset.save_as(temporary, enforce_file_format=True)


def as_document(form: str, outcomes: Sequence[Outcome]) -> str | None:
    """The document for programs that goes to stdout; None where words for people do."""
    if form == "json":
        from edgeecho.report import to_json

        return to_json(outcomes)
    if form == "fhir":
        from edgeecho.report.fhir import to_fhir

        return to_fhir(outcomes, datetime.now(timezone.utc))
    return None
