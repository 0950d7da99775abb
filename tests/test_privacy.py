"""No text of a DICOM file, and no folder's name, gets into anything that is written or said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.examples import get_path
from pydicom.sequence import Sequence

from edgeecho.report.formats import FORMATS

MARK = "MARKER"
_TEXT_VR = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"}
# Without these the pixels mean nothing.
_NEEDED = {"Modality", "PhotometricInterpretation"}


def _mark(dataset: Dataset) -> int:
    """Every text, date and number that is not needed for the pixels becomes a marker."""
    count = 0
    for element in dataset:
        if element.VR == "SQ":
            count += sum(_mark(item) for item in element.value)
        elif element.VR in _TEXT_VR and element.keyword not in _NEEDED:
            element.value = f"{MARK} {count}"
            count += 1
        elif element.VR == "DA":
            element.value = "19010101"
            count += 1
    return count


@pytest.fixture
def marked(tmp_path: Path) -> Path:
    dataset = dcmread(str(get_path("ybr_color")))
    dataset.PatientName, dataset.PatientID = "x", "x"
    dataset.PatientBirthDate, dataset.StudyDate = "x", "x"
    dataset.PatientComments, dataset.ImageComments, dataset.InstitutionName = "x", "x", "x"
    inner = Dataset()
    inner.PatientName = "x"
    dataset.ReferencedPatientSequence = Sequence([inner])
    dataset.add_new(0x00091001, "LO", "x")
    assert _mark(dataset) > 20
    folder = tmp_path / f"{MARK}^PATIENT"
    folder.mkdir()
    dataset.save_as(folder / "cine.dcm")
    assert MARK.encode() in (folder / "cine.dcm").read_bytes()
    return folder / "cine.dcm"


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def _assert_clean(folder: Path, *texts: str) -> None:
    for text in texts:
        assert MARK not in text
        assert "1901" not in text
    for path in folder.rglob("*"):
        data = path.read_bytes()
        assert MARK.encode() not in data, path
        assert b"19010101" not in data, path


@pytest.mark.slow
def test_results_and_pictures_hold_no_marker(
    edgeecho: Any, narrow_bundle: Path, marked: Path, clean: Path
) -> None:
    beside = [form for form in FORMATS.values() if form.place == "file"]
    documents = [form.name for form in FORMATS.values() if form.place == "stdout"]
    files = [word for f in beside for word in (f"--{f.name}", clean / f"a.{f.suffix}")]
    for args in (
        ["infer", marked, *files],
        *(["infer", marked, "--format", name] for name in documents),
        ["infer", marked.parent],
        ["infer", "--study", marked.parent],
        ["infer", "--study", marked.parent, "--json"],
        ["preview", marked, "--out", clean / "a.png"],
        ["preview", marked, "--out", clean / "a.mp4"],
        ["preview", marked, "--out", clean / "a.avi"],
    ):
        done = edgeecho(*args, "--model", narrow_bundle)
        assert done.returncode in (0, 5), done.stderr
        _assert_clean(clean, done.stdout, done.stderr)
    assert len(list(clean.iterdir())) == 3 + len(beside)


@pytest.mark.slow
@pytest.mark.parametrize("percent", [2, 20, 50, 90, 99])
def test_errors_about_broken_files_hold_no_marker(
    edgeecho: Any, narrow_bundle: Path, marked: Path, clean: Path, percent: int
) -> None:
    data = marked.read_bytes()
    marked.write_bytes(data[: len(data) * percent // 100])
    for args in (["infer", marked], ["infer", marked, "--json", "--csv", clean / "a.csv"]):
        done = edgeecho(*args, "--model", narrow_bundle)
        assert done.returncode in (0, 3, 5)
        assert done.stderr if done.returncode == 3 else "damage" in done.stdout
        _assert_clean(clean, done.stdout, done.stderr)


@pytest.mark.parametrize(
    "name", ["PhotometricInterpretation", "FrameTime", "BitsAllocated", "NumberOfFrames", "Rows"]
)
def test_a_marker_where_a_value_belongs_is_not_quoted(
    edgeecho: Any, narrow_bundle: Path, marked: Path, clean: Path, name: str
) -> None:
    dataset = dcmread(marked)
    del dataset[name]
    dataset.add_new(name, "LO", f"{MARK} VALUE")
    dataset.save_as(marked)
    done = edgeecho("infer", marked, "--model", narrow_bundle)
    _assert_clean(clean, done.stdout, done.stderr)
