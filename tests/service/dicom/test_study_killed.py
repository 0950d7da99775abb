"""The node killed at each step of gathering, answering and sending a study: nothing is lost, and
nothing doubled."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest
from answers import answered
from dicom_net import texts_of, write_cine
from lives import STUDY_UID, Lives, Step
from pydicom import Dataset

from edgeecho.service.dicom.destinations import Folder
from edgeecho.service.jobs import Outbox, Queue, Studies

pytestmark = pytest.mark.slow

CLIPS = {
    "in the transaction that takes a clip": Step(Studies, "gather"),
    "after a clip was taken": Step(Queue, "accept"),
    "after a clip was begun": Step(Queue, "begin_next"),
    "before its draft": Step(Studies, "write_draft", before=True),
    "between its draft and its end": Step(Studies, "write_draft"),
    "after its end": Step(Queue, "end"),
}
STUDY = {
    "after the study was begun": Step(Queue, "begin_next", 4),
    "before its report": Step(Outbox, "write", before=True),
    "between its report and its end": Step(Outbox, "write"),
    "after its end": Step(Queue, "end", 4),
    "before it is sent": Step(Folder, "send", before=True),
    "before it is noted that one of two was sent": Step(Folder, "send"),
    "after that was noted": Step(Outbox, "took"),
    "before it is noted that both were": Step(Folder, "send", 2),
    "after that": Step(Outbox, "end"),
}
NTH = {
    **{name: replace(step, nth=2) for name, step in CLIPS.items()},
    **STUDY,
}
LATE = {
    **CLIPS,
    **{k: replace(v, nth=2) if v.nth == 4 else v for k, v in STUDY.items()},
}


ONCE = ["received", "answered", "delivered in part", "delivered"]


@pytest.fixture
def place(tmp_path: Path, cines: tuple[Path, ...]) -> Lives:
    return Lives(tmp_path, cines, answered(50.0))


@pytest.fixture(scope="module")
def cines(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    folder = tmp_path_factory.mktemp("cines")
    return tuple(
        write_cine(folder / f"{n}.dcm", n, frames=2, StudyInstanceUID=STUDY_UID)
        for n in range(1, 4)
    )


def counted(report: Dataset) -> int:
    """How many clips it tells of."""
    return sum(text.startswith("clip ") and text.endswith(": LVEF") for text in texts_of(report))


def test_without_a_death_there_is_one_report_and_sending_again_changes_nothing(
    place: Lives,
) -> None:
    assert [place.live(3), place.live(3)] == [0, 0]
    (report,) = place.reports()
    assert counted(report) == 3
    assert place.events() == [ONCE]


@pytest.mark.parametrize("name", NTH)
def test_killed_there_the_study_is_answered_once_with_all_its_clips(
    place: Lives, name: str
) -> None:
    assert place.live(3, dies=NTH[name]) == -signal.SIGKILL
    assert place.live(3) == 0
    (report,) = place.reports()
    assert (counted(report), report.InstanceNumber) == (3, 1)
    assert place.events() == [ONCE]


@pytest.mark.parametrize("name", LATE)
def test_killed_there_a_late_clip_makes_one_new_version(place: Lives, name: str) -> None:
    assert place.live(2) == 0
    assert place.live(3, dies=LATE[name]) == -signal.SIGKILL
    assert place.live(3) == 0
    first, second = place.reports()
    assert [counted(report) for report in (first, second)] == [2, 3]
    assert [report.InstanceNumber for report in (first, second)] == [1, 2]
    assert replaced(second) == [first.SOPInstanceUID]
    assert place.events() == [ONCE, ONCE]


def replaced(report: Dataset) -> list[str]:
    """UIDs of the reports that it names as its predecessors."""
    return [
        str(one.ReferencedSOPInstanceUID)
        for of_study in report.PredecessorDocumentsSequence
        for series in of_study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    ]


DURING = {
    "before its report": Step(Outbox, "write", before=True),
    "before its end": Step(Outbox, "write"),
}


@pytest.mark.parametrize("name", DURING)
def test_a_clip_that_comes_while_the_study_is_answered_is_in_that_answer(
    place: Lives, name: str
) -> None:
    assert place.live(2, comes=DURING[name]) == 0
    (report,) = place.reports()
    assert (counted(report), report.InstanceNumber) == (3, 1)
    assert place.events() == [ONCE]
