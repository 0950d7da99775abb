"""A result as a DICOM structured report: TID 1500, Measurement Report (PS3.16), by highdicom.

Importing this takes highdicom (extra `dicom`).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.dataset import Dataset
from pydicom.valuerep import DA, DT, TM

from edgeecho.cine.dicom.quiet import quiet
from edgeecho.common.about import VERSION
from edgeecho.report.dicom_content import SCHEME, make_content, make_uid
from edgeecho.report.dicom_source import read_header, take_over
from edgeecho.report.formats import ReportFile
from edgeecho.results import Answer, Failure, Outcome

SERIES_NUMBER = 9700
"""Beyond what scanners count to."""
SERIES_DESCRIPTION = "edgeecho EF, research use only"


def to_sr(outcome: Outcome, source: Dataset, *, created: datetime) -> Dataset:
    """A Comprehensive SR about a file; `source` is that file's header.

    PRELIMINARY and UNVERIFIED. The patient and the study are the source's. The same answer to the
    same instance by the same model has the same UIDs, so that sending it again doubles nothing.
    Of a file that could not be answered it says so, and why: no model had a part in that.
    `created` is written as it is: give local time. `InputError` where the source lacks a UID.
    """
    answer = outcome.answer
    # highdicom and pydicom warn of names that they find odd, and quote them.
    with quiet():
        taken = take_over(source)
        seed = f"{taken.SOPInstanceUID} {_identity(answer)}"
        report = _Report(
            evidence=[taken],
            content=make_content(answer, taken, seed),
            series_instance_uid=make_uid(f"series {taken.SeriesInstanceUID} {_identity(answer)}"),
            series_number=SERIES_NUMBER,
            sop_instance_uid=make_uid(f"report {seed}"),
            instance_number=1,
            manufacturer="edgeecho",
            manufacturer_model_name="edgeecho",
            software_versions=VERSION,
            series_description=SERIES_DESCRIPTION,
            specific_character_set="ISO_IR 192",
            content_date=created.date(),
            content_time=created.time(),
            coding_schemes=[
                CodingSchemeIdentificationItem(SCHEME, name="edgeecho", version=VERSION)
            ],
        )
        report.InstanceCreationDate = DA(created.date())
        report.InstanceCreationTime = TM(created.time())
        for equipment in report.ContributingEquipmentSequence:
            equipment.ContributionDateTime = DT(created.replace(tzinfo=None))
    return report


def to_sr_file(file: Path, outcome: Outcome, created: datetime) -> ReportFile:
    """The same as a file; `InputError` where `file` is no DICOM file, or lacks a UID."""
    report = to_sr(outcome, read_header(file), created=created)

    def save(path: Path) -> None:
        report.save_as(path, enforce_file_format=True)

    # The report's own UID: the source's leads to the patient.
    return ReportFile(str(report.SOPInstanceUID), save)


class _Report(sr.ComprehensiveSR):
    def copy_patient_and_study_information(self, dataset: Dataset) -> None:
        """What `take_over` took; highdicom would refuse classes of images that it does not know."""
        for keyword in ("IssuerOfPatientID", "StudyDescription"):
            if keyword in dataset:
                self[keyword] = dataset[keyword]


def _identity(answer: Answer | Failure) -> str:
    """All that makes it another answer to the same file."""
    if isinstance(answer, Failure):
        return repr((VERSION, "not answered"))
    model, video = answer.model, answer.video
    return repr(
        (
            *(VERSION, model.sha256, model.preprocess.sha256()),
            *((model.uncertainty or {}).get("sha256"), answer.engine.name, answer.engine.precision),
            *(answer.clips, video.fps, video.time, video.area, video.square),
        )
    )
