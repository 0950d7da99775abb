"""A study of five clips, and the drafts of its report."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime

from answers import answered, failed, refused
from pydicom import Dataset, dcmread

from edgeecho.report.dicom_study import to_draft
from edgeecho.results import Answer, Outcome
from edgeecho.study import Clip, answer_study

NOW = datetime(2025, 1, 2, 3, 4, 5)


def header(number: int) -> Dataset:
    """Of a cine of one study, as far as a report reads it."""
    found = Dataset()
    found.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    found.SOPInstanceUID = f"1.2.3.7.{number}"
    found.StudyInstanceUID, found.SeriesInstanceUID = "1.2.3.5", f"1.2.3.6.{number % 2}"
    found.PatientName, found.PatientID = "Doe^Jane", "4711"
    found.StudyDate, found.StudyTime, found.AccessionNumber = "20250101", "120000", "A1"
    return found


def seen(outcome: Outcome, ef: float, view: str | None) -> Outcome:
    """With its own EF, view and hash."""
    answer = outcome.answer
    assert isinstance(answer, Answer)
    numbers = answer.numbers and replace(answer.numbers, ef=ef)
    video = replace(answer.video, view=view)
    return replace(
        outcome, answer=replace(answer, numbers=numbers, video=video), sha256=f"{ef:064.0f}"
    )


OUTCOMES = {
    1: seen(answered(), 47.0, "apical four chamber"),
    2: seen(refused(), 43.0, "parasternal long axis"),
    3: seen(answered(), 49.0, "apical four chamber"),
    4: failed(),
    5: seen(answered(), 30.0, None),
}
STUDY = answer_study([Clip.of(number, outcome) for number, outcome in OUTCOMES.items()])


def drafts(outcomes: dict[int, Outcome] = OUTCOMES) -> dict[int, Dataset]:
    """Written and read, as in a node."""
    made = {}
    for number, outcome in outcomes.items():
        stream = io.BytesIO()
        draft = to_draft(outcome, header(number), created=NOW)
        draft.save_as(stream, enforce_file_format=True)
        stream.seek(0)
        made[number] = dcmread(stream)
    return made
