"""A real archive pushes mixed studies, and gets one report on each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from dcmtk import dciodvfy, dsrdump
from dicom_net import COMPREHENSIVE_SR, Service, numbers_of, still_frame, texts_of
from media import phantom_frames
from objects import STILL, write_native, write_object
from orthanc import Orthanc, free_port
from pydicom import Dataset, dcmread

from edgeecho.service.dicom import Destination

pytestmark = pytest.mark.slow
QUIET_S = 1.5
FOUR_CHAMBER = {"SeriesDescription": "A4C", "FrameTime": 20}


class Both:
    """Orthanc, and a node that answers it."""

    def __init__(self, folder: Path, serve: Callable[..., Service]) -> None:
        port = free_port()
        self.orthanc = Orthanc(folder / "orthanc", port)
        to = Destination("ORTHANC", "127.0.0.1", self.orthanc.dicom_port)
        self.service = serve(to, port=port, quiet_s=QUIET_S, pdf=True)

    def push(self, study: str) -> None:
        """All of a study; what Orthanc has been sent goes along."""
        answer = self.orthanc.push(study)
        assert answer.status_code == 200, answer.text
        assert answer.json()["FailedInstancesCount"] == 0

    def reports(self, count: int) -> list[Dataset]:
        """By version, once there are so many; more than that fail."""
        self.service.wait(lambda: len(self.orthanc.reports("DOC")) >= count)
        time.sleep(QUIET_S + 2)  # time for one too many
        found = [dcmread(BytesIO(file)) for file in self.orthanc.reports()]
        assert len(found) == len(self.orthanc.reports("DOC")) == count
        return sorted(found, key=lambda report: int(report.InstanceNumber))


@pytest.fixture
def both(tmp_path: Path, serve: Any) -> Iterator[Both]:
    made = Both(tmp_path, serve)
    yield made
    made.orthanc.close()


def cine(folder: Path, number: int, **attributes: Any) -> Path:
    """Each of its own frames."""
    return write_native(
        folder / f"{number}.dcm", phantom_frames()[number % 10 :][:100], number, **attributes
    )


def test_one_report_on_a_mixed_study_and_a_new_version_of_it_for_a_late_clip(
    both: Both, tmp_path: Path
) -> None:
    files = [
        cine(tmp_path, 501, **FOUR_CHAMBER),
        cine(tmp_path, 502, **FOUR_CHAMBER),
        cine(tmp_path, 503, SeriesDescription="PLAX", FrameTime=20),
        write_native(tmp_path / "504.dcm", still_frame(), 504, SOPClassUID=STILL),
        write_native(tmp_path / "505.dcm", still_frame(), 505, SOPClassUID=STILL),
        write_object(tmp_path / "506.dcm", COMPREHENSIVE_SR, 506, Modality="SR"),
    ]
    (study,) = {both.orthanc.upload(path) for path in files}
    both.push(study)
    (report,) = both.reports(1)
    said = texts_of(report)
    assert len(numbers_of(report)) > 1
    assert "left aside, since they are no cines: still" in said
    (other,) = (text for text in said if "parasternal long axis" in text and "left out" in text)
    assert "refused: " in other
    assert sum(text.startswith("counts clip") for text in said) == 2
    assert any(text in said for text in ("made of clip 1", "made of clip 2", "made of clip 3"))

    both.push(study)  # the report too, which Orthanc holds by now
    (same,) = both.reports(1)
    assert same.SOPInstanceUID == report.SOPInstanceUID

    both.orthanc.upload(cine(tmp_path, 507, **FOUR_CHAMBER))
    both.push(study)
    first, second = both.reports(2)
    assert first.SOPInstanceUID == report.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)
    assert "PredecessorDocumentsSequence" in second
    assert sum(text.startswith("counts clip") for text in texts_of(second)) == 3
    for number, made in enumerate((first, second)):
        path = tmp_path / f"report {number}.dcm"
        made.save_as(path)
        assert "Imaging Measurement Report" in dsrdump(path)
        assert dciodvfy(path) == []


def test_a_study_of_traces_and_stills_gets_a_report_that_says_so(
    both: Both, tmp_path: Path
) -> None:
    trace = {"ImageType": ["ORIGINAL", "PRIMARY", "", "0008"], "FrameTime": 20}
    files = [
        cine(tmp_path, 601, **trace),
        write_native(tmp_path / "602.dcm", still_frame(), 602, SOPClassUID=STILL),
    ]
    (study,) = {both.orthanc.upload(path) for path in files}
    both.push(study)
    (report,) = both.reports(1)
    assert numbers_of(report) == []
    reason = "refused: no cine: it holds no transthoracic cine, only: Doppler trace, still: "
    assert any(text.startswith(reason) for text in texts_of(report))
    path = tmp_path / "report.dcm"
    report.save_as(path)
    assert "Imaging Measurement Report" in dsrdump(path)
    assert dciodvfy(path) == []
    both.push(study)
    (same,) = both.reports(1)
    assert same.SOPInstanceUID == report.SOPInstanceUID


def test_a_study_without_pictures_gets_no_report(both: Both, tmp_path: Path) -> None:
    path = write_object(tmp_path / "701.dcm", COMPREHENSIVE_SR, 701, Modality="SR")
    both.push(both.orthanc.upload(path))
    assert both.reports(0) == []
