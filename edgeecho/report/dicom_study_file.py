"""The structured report on a study of files, without a node.

Importing this needs highdicom (extra `dicom`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from edgeecho.common.errors import InputError
from edgeecho.report.dicom_source import read_header
from edgeecho.report.dicom_study import Version, to_draft, to_study_sr
from edgeecho.report.formats import ReportFile
from edgeecho.report.text import without_name
from edgeecho.results import Failure, Outcome, answers
from edgeecho.study import Clip, StudyAnswer, answer_study


def to_study_file(
    study: StudyAnswer, files: Sequence[Path], outcomes: Sequence[Outcome], created: datetime
) -> ReportFile:
    """`to_study_sr` as a file, on clips that were answered just now.

    `InputError` if not one of them is a DICOM file with all UIDs. The same answer to the same files
    has the same UIDs.
    """
    drafts, clips = {}, []
    for number in (one.clip.number for one in study.clips):
        outcome = _without_name(outcomes[number - 1], number)
        clips.append(Clip.of(number, outcome))
        with suppress(InputError):
            header = read_header(files[number - 1])
            drafts[number] = to_draft(outcome, header, created=created)
    if not drafts:
        raise InputError(
            "not one of its files is a DICOM file whose header can be used: a DICOM report refers "
            "to the patient and the study of one; choose another format"
        )
    seed = " ".join(str(draft.SOPInstanceUID) for draft in drafts.values())
    models = [answer.model for answer in answers([outcomes[n - 1] for n in drafts])]
    report = to_study_sr(
        answer_study(clips, study.rule),
        drafts,
        Version(f"{study.rule} {seed}", 1),
        model=f"{models[0].name} {models[0].version}" if models else "edgeecho",
        created=created,
    )

    def save(path: Path) -> None:
        report.save_as(path, enforce_file_format=True)

    return ReportFile(str(report.SOPInstanceUID), save)


def _without_name(outcome: Outcome, number: int) -> Outcome:
    failure = outcome.answer
    if not isinstance(failure, Failure):
        return outcome
    message = without_name(failure.message, outcome.file, f"file {number}")
    return replace(outcome, answer=replace(failure, message=message))
