"""A result as a DICOM structured report: TID 1500, Measurement Report (PS3.16), by highdicom.

Importing this needs highdicom (extra `dicom`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from edgeecho.cine.dicom.quiet import quiet
from edgeecho.common.about import VERSION
from edgeecho.report.dicom_content import make_content
from edgeecho.report.dicom_items import SCHEME, make_uid
from edgeecho.report.dicom_source import read_header, take_over
from edgeecho.report.formats import ReportFile
from edgeecho.results import Answer, Failure, Outcome

SERIES_NUMBER = 9700
"""Higher than scanners count."""
SERIES_DESCRIPTION = "edgeecho EF, research use only"


def to_sr(
    outcome: Outcome, source: Dataset, *, created: datetime, of_study: bool = False
) -> Dataset:
    """A Comprehensive SR on a file; `source` is that file's header.

    It is PRELIMINARY and UNVERIFIED, and has the source's patient and study. The same model's same
    answer to the same instance has the same UIDs, so sending it again makes no duplicate. If a file
    has no answer, the report gives the reason and names no model. `created` is written unchanged:
    give local time. `of_study`: see `make_content`. `InputError` if the source lacks a UID.
    """
    answer = outcome.answer
    # highdicom and pydicom warn of unusual names and quote them.
    with quiet():
        taken = take_over(source)
        seed = f"{taken.SOPInstanceUID} {_identity(answer)}"
        return make_report(
            make_content(answer, taken, seed, of_study=of_study),
            [taken],
            series=make_uid(f"series {taken.SeriesInstanceUID} {_identity(answer)}"),
            uid=make_uid(f"report {seed}"),
            number=1,
            created=created,
        )


def make_report(
    content: sr.MeasurementReport,
    evidence: Sequence[Dataset],
    *,
    series: str,
    uid: str,
    number: int,
    created: datetime,
    replaces: Dataset | None = None,
) -> Dataset:
    """The SR with that content. Patient and study are those of the first of the images in
    `evidence`; `number` is its own within its series; `replaces` is the report before it."""
    report = _Report(
        evidence=evidence,
        content=content,
        series_instance_uid=series,
        series_number=SERIES_NUMBER,
        sop_instance_uid=uid,
        instance_number=number,
        manufacturer="edgeecho",
        manufacturer_model_name="edgeecho",
        software_versions=VERSION,
        series_description=SERIES_DESCRIPTION,
        specific_character_set="ISO_IR 192",
        content_date=created.date(),
        content_time=created.time(),
        previous_versions=[replaces] if replaces else None,
        coding_schemes=[CodingSchemeIdentificationItem(SCHEME, name="edgeecho", version=VERSION)],
    )
    report.InstanceCreationDate = DA(created.date())
    report.InstanceCreationTime = TM(created.time())
    for equipment in report.ContributingEquipmentSequence:
        equipment.ContributionDateTime = DT(created.replace(tzinfo=None))
    return report


def to_sr_file(file: Path, outcome: Outcome, created: datetime) -> ReportFile:
    """`to_sr` as a file; `InputError` if `file` is no DICOM file, or lacks a UID."""
    report = to_sr(outcome, read_header(file), created=created)

    def save(path: Path) -> None:
        report.save_as(path, enforce_file_format=True)

    # The report's own UID, since the source's would identify the patient.
    return ReportFile(str(report.SOPInstanceUID), save)


class _Report(sr.ComprehensiveSR):
    def copy_patient_and_study_information(self, dataset: Dataset) -> None:
        """Copy what `take_over` returned; highdicom refuses image classes unknown to it."""
        for keyword in ("IssuerOfPatientID", "StudyDescription"):
            if keyword in dataset:
                self[keyword] = dataset[keyword]


def _identity(answer: Answer | Failure) -> str:
    """Everything that distinguishes answers to the same file."""
    if isinstance(answer, Failure):
        return repr((VERSION, "not answered"))
    model, video, tracing = answer.model, answer.video, answer.tracing
    masks: tuple[str, ...] = ()
    if tracing and model.segmentation:
        engine = tracing.engine
        masks = (model.segmentation.sha256, tracing.rule, engine.name, engine.precision)
    return repr(
        (
            *(VERSION, model.sha256, model.preprocess.sha256()),
            *((model.uncertainty or {}).get("sha256"), model.skill, model.assumed),
            *(answer.engine.name, answer.engine.precision),
            *(answer.clips, video.fps, video.time, video.area, video.square),
            *masks,
        )
    )
