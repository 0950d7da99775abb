"""The report on a study as an encapsulated PDF, read by dcmtk, dciodvfy and poppler."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from answers import failed
from dcmtk import dciodvfy, find_tool
from pydicom import Dataset

from edgeecho import RESEARCH_USE
from edgeecho.study import without_cine

pytest.importorskip("highdicom")
from studied import NOW, STUDY, drafts

from edgeecho.report.dicom_pdf import to_study_pdf
from edgeecho.report.dicom_study import LEFT_ASIDE, Version, to_study_sr

FIRST, SECOND = Version("a" * 32, 1), Version("b" * 32, 2, "a" * 32)


def written(made: Dataset, folder: Path) -> Path:
    made.save_as(folder / "report.dcm", enforce_file_format=True)
    return folder / "report.dcm"


def text_of(path: Path) -> str:
    """What poppler reads in the document that dcmtk takes out."""
    pdf = path.with_suffix(".pdf")
    subprocess.run([find_tool("dcm2pdf"), str(path), str(pdf)], check=True)
    words = [find_tool("pdftotext", "poppler-utils"), str(pdf), "-"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return " ".join(done.stdout.split())


@pytest.mark.slow
def test_it_says_what_the_structured_report_says(tmp_path: Path) -> None:
    made = to_study_pdf(STUDY, drafts(), FIRST, left_aside=["still"], model="narrow 1", created=NOW)
    path = written(made, tmp_path)
    assert dciodvfy(path, "EncapsulatedPDF") == []
    said = text_of(path)
    for words in (
        RESEARCH_USE,
        "answer 1 to this study, 2025-01-02 03:04, by narrow 1; preliminary",
        "EF 47.0 % (90 % interval 40.6 to 55.6; best of 5 clips)",
        "made of clip 1",
        "counts clip 3: apical four chamber, EF 49.0 % (40.6 to 55.6)",
        "left out clip 2: parasternal long axis: refused: 30 frames",
        "left aside, since they are no cines: still",
    ):
        assert words in said, words
    assert "43.2" not in said
    assert "Doe" not in said, "its header says whose it is"


@pytest.mark.slow
def test_without_an_answer_it_says_so(tmp_path: Path) -> None:
    made = to_study_pdf(without_cine(["still"]), drafts({LEFT_ASIDE: failed()}), FIRST, created=NOW)
    path = written(made, tmp_path)
    assert dciodvfy(path, "EncapsulatedPDF") == []
    assert "refused: no cine: it holds no transthoracic cine, only: still" in text_of(path)


def test_it_is_the_patients_and_has_a_series_of_its_own() -> None:
    first, second = (
        to_study_pdf(STUDY, drafts(), version, created=NOW) for version in (FIRST, SECOND)
    )
    report = to_study_sr(STUDY, drafts(), FIRST, created=NOW)
    for keyword in ("PatientName", "PatientID", "StudyInstanceUID", "AccessionNumber"):
        assert first[keyword] == report[keyword]
    assert first.SeriesInstanceUID == second.SeriesInstanceUID != report.SeriesInstanceUID
    assert (first.InstanceNumber, second.InstanceNumber) == (1, 2)
    assert len({one.SOPInstanceUID for one in (first, second, report)}) == 3
    assert [one.ReferencedSOPInstanceUID for one in first.SourceInstanceSequence] == [
        f"1.2.3.7.{number}" for number in range(1, 6)
    ]
