"""`infer --study`: one answer a study, from real files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from dcmtk import dciodvfy
from dicom_net import numbers_of, texts_of
from dicoms import write_dicom
from media import phantom_frames
from pydicom import dcmread
from pydicom.uid import UltrasoundImageStorage

from edgeecho.bundle import EXAMPLE

NARROW = ("--model", Path(__file__).parents[2] / "models" / "narrow" / "bundle")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two apical four-chamber views, a parasternal one and a still of one study."""
    frames, inside = phantom_frames(), tmp_path / "study"
    inside.mkdir()
    for name, part, text in [
        ("1.dcm", frames[:80], "A4C"),
        ("2.dcm", frames[10:90], "Apical 4 Chamber"),
        ("3.dcm", frames[5:85], "PLAX"),
    ]:
        given = {"StudyInstanceUID": "1.2.826.0.1.4711", "SeriesDescription": text, "FrameTime": 20}
        write_dicom(inside / name, part, **given)
    write_dicom(inside / "4.dcm", frames[:1], SOPClassUID=UltrasoundImageStorage)
    return inside


@pytest.mark.slow
def test_a_folder_is_one_answer_and_a_refused_study_is_exit_code_5(
    edgeecho: Any, folder: Path
) -> None:
    model = (*NARROW, "--clips", "center")
    done = edgeecho("infer", "--study", "--study-ef", "mean", folder, *model, "--json")
    assert done.returncode == 0, done.stderr
    assert "passed over: 1 still" in done.stderr
    assert "4711" not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    (study,) = document["studies"]
    efs = [result.get("ef") for result in document["results"]]
    assert efs[2] is None
    assert study["ef"] == pytest.approx((efs[0] + efs[1]) / 2)
    assert study["made_of"] == [1, 2]
    assert study["clips"][2]["view"] == "parasternal long axis"
    assert any("no measured uncertainty" in warning for warning in study["warnings"])

    done = edgeecho("infer", "--study", folder, *model)
    assert done.returncode == 0
    assert done.stdout.startswith("study 1  EF ")
    assert "best of 3 clips" in done.stdout

    for name in ("1.dcm", "2.dcm"):
        (folder / name).unlink()
    done = edgeecho("infer", "--study", folder, *model)
    assert done.returncode == 5
    assert done.stdout.startswith("study 1  refused: no clip: ")


@pytest.mark.slow
def test_a_structured_report_a_study(edgeecho: Any, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("highdicom")
    (folder / "Doe Jane.dcm").write_bytes((folder / "1.dcm").read_bytes()[:2000])
    for path in folder.glob("*.dcm"):
        if path.name != "Doe Jane.dcm":
            with dcmread(path) as dataset:
                dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = (
                    f"1.2.{path.stem}"
                )
                dataset.SeriesInstanceUID = "1.2.826.0.1.4712"
                dataset.save_as(path)
    options = (*NARROW, "--clips", "center", "--format", "dicom-sr", "--out", tmp_path / "sr")
    for _ in range(2):  # again is the same object
        done = edgeecho("infer", "--study", folder, *options)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("study 1  EF ")
        (path,) = (tmp_path / "sr").iterdir()
    report = dcmread(path)
    assert path.name == f"0001-{report.SOPInstanceUID}.dcm"
    said = " ".join(texts_of(report))
    assert "parasternal long axis" in said
    assert "Doe" not in said
    assert len(numbers_of(report)) >= 3
    assert dciodvfy(path) == []


@pytest.mark.slow
def test_a_study_without_dicom_files_has_no_structured_report(
    edgeecho: Any, tmp_path: Path
) -> None:
    pytest.importorskip("highdicom")
    (tmp_path / "a.avi").write_bytes(EXAMPLE.read_bytes())
    options = ("--format", "dicom-sr", "--out", tmp_path / "sr")
    done = edgeecho("infer", "--study", tmp_path / "a.avi", *NARROW, *options)
    assert done.returncode == 3
    assert "no report on study 1: not one of its files is a DICOM file" in done.stderr
    assert list((tmp_path / "sr").iterdir()) == []


@pytest.mark.slow
def test_a_study_of_which_nothing_can_be_read_is_exit_code_3(edgeecho: Any, tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_text("no video")
    done = edgeecho("infer", "--study", tmp_path, *NARROW)
    assert done.returncode == 3
    assert "study 1  no answer" in done.stdout
    assert "left out  a.avi: " in done.stdout


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--study-ef", "mean"], "--study-ef goes with --study"),
        (["--study", "--study-ef", "median"], "'median' is not known: choose mean or best"),
        (["--study", "--show-refused"], "--study shows no refused numbers"),
        (["--study", "--format", "fhir"], "--format fhir is of single videos"),
    ],
)
def test_options_that_make_no_sense(
    edgeecho: Any, tmp_path: Path, options: list[str], why: str
) -> None:
    done = edgeecho("infer", tmp_path, *options)
    assert done.returncode == 2
    assert why in done.stderr
