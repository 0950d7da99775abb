"""Beats in structured reports, read back by highdicom and by dcmtk."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from answers import answered, traced
from as_dicom import write_dicom
from dcmtk import dsrdump
from pydicom import Dataset, dcmread

from edgeecho import RESEARCH_USE
from edgeecho.bundle import EXAMPLE
from edgeecho.report.dicom_source import read_header
from edgeecho.results import Answer, Outcome

highdicom = pytest.importorskip("highdicom")
from edgeecho.report.dicom_sr import to_sr  # noqa: E402

NOW = datetime(2025, 1, 2, 3, 4, 5)
DISCS, AREA_LENGTH = "125208", "125205"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_header(write_dicom(EXAMPLE, tmp_path_factory.mktemp("cine") / "phantom.dcm"))


def written(outcome: Outcome, source: Dataset) -> bytes:
    stream = io.BytesIO()
    to_sr(outcome, source, created=NOW).save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def as_text(outcome: Outcome, source: Dataset) -> str:
    return str(dcmread(io.BytesIO(written(outcome, source))).to_json())


def groups(outcome: Outcome, source: Dataset) -> list:
    report = highdicom.sr.srread(io.BytesIO(written(outcome, source)))
    return list(report.content.get_image_measurement_groups())


def measured(group) -> dict[tuple[str, str], tuple[float, str, list[int]]]:
    """By code and method: value, unit, and frames that it was measured in."""
    found = {}
    for one in group.get_measurements():
        (image,) = one.referenced_images
        frames = image.referenced_frame_numbers or []
        key = (one.name.value, one.method.value if one.method else "")
        assert key not in found
        found[key] = (one.value, one.unit.value, list(frames))
    return found


def frames_named(group: Dataset, code: str) -> list[int]:
    (item,) = [
        item for item in group.ContentSequence
        if item.ValueType == "IMAGE" and item.ConceptNameCodeSequence[0].CodeValue == code
    ]  # fmt: skip
    (reference,) = item.ReferencedSOPSequence
    return [int(reference.ReferencedFrameNumber)]


def test_the_networks_ef_is_the_only_one_of_its_code(source: Dataset) -> None:
    first, every, *each = groups(traced(), source)
    assert list(measured(first)) == [("18043-0", "")]
    assert all(("18043-0", m) not in measured(g) for g in (every, *each) for m in ("", DISCS))
    # Without beats the report is what it was.
    assert len(groups(answered(), source)) == 1


def test_all_beats_are_told_by_their_means(source: Dataset) -> None:
    _, group, *_ = groups(traced(), source)
    assert measured(group) == {
        ("79993-2", DISCS): (63.46, "%", []),
        ("ef-area-length", AREA_LENGTH): (63.54, "%", []),
        ("ef-by-beat", ""): (45.0, "%", []),
        ("122182", ""): (795.0, "ms", []),
    }
    assert {one.derivation.value for one in group.get_measurements()} == {"373098007"}
    parameters = [
        item.TextValue
        for item in group[0].ContentSequence
        if item.ConceptNameCodeSequence[0].CodeValue == "111002"
    ]
    assert "traced in every frame" in parameters[0]
    assert f"segmentation lraspp_mobilenet_v3_large, sha256 {'5' * 64}" in parameters
    assert "beats default" in parameters


def test_each_beat_has_volumes_by_both_methods_and_names_its_frames(source: Dataset) -> None:
    *_, third = groups(traced(), source)[:5]
    # ED in frame 80 and ES in 101, which show the file's frames 160 and 202, counted from 0.
    assert measured(third) == {
        ("18026-5", DISCS): (223.3, "mL", [161]),
        ("18026-5", AREA_LENGTH): (226.08, "mL", [161]),
        ("18148-7", DISCS): (81.53, "mL", [203]),
        ("18148-7", AREA_LENGTH): (82.36, "mL", [203]),
        ("79993-2", DISCS): (63.49, "%", [161, 203]),
        ("ef-area-length", AREA_LENGTH): (63.57, "%", [161, 203]),
        ("ef-by-beat", ""): (50.0, "%", []),
        ("122182", ""): (800.0, "ms", []),
    }
    assert frames_named(third[0], "416190007") == [161]
    assert frames_named(third[0], "416430001") == [203]
    names = [g.tracking_identifier for g in groups(traced(), source)[2:]]
    assert names == ["beat 1", "beat 2", "beat 3", "beat 4"], "and not the partial fifth"


def test_without_the_size_of_a_pixel_there_are_no_volumes(source: Dataset) -> None:
    text = as_text(traced(spacing_mm=None), source)
    assert "18026-5" not in text
    assert "18148-7" not in text
    assert "79993-2" in text


def test_where_frames_are_lost_none_is_named(source: Dataset) -> None:
    outcome = traced()
    assert isinstance(outcome.answer, Answer)
    assert outcome.answer.tracing is not None
    lost = replace(outcome.answer, tracing=replace(outcome.answer.tracing, source=None))
    assert "00081160" in as_text(outcome, source), "ReferencedFrameNumber"
    text = as_text(replace(outcome, answer=lost), source)
    assert "00081160" not in text
    assert "18026-5" in text


def test_the_published_rule_has_the_networks_ef_by_beat(source: Dataset) -> None:
    _, every, *each = groups(traced(rule="published", spacing_mm=None), source)
    assert measured(every) == {("ef-by-beat", ""): (45.0, "%", [])}
    assert [measured(group) for group in each] == [
        {}, {("ef-by-beat", ""): (40.0, "%", [])}, {("ef-by-beat", ""): (50.0, "%", [])}, {},
    ]  # fmt: skip
    assert frames_named(each[0][0], "416430001") == [41]


@pytest.mark.parametrize("show", [False, True])
def test_a_refused_answer_has_no_beat_in_it(source: Dataset, show: bool) -> None:
    every = {written(traced(refused=True, show=show, depth=depth), source) for depth in (4.0, 8.0)}
    assert len(every) == 1
    assert len(groups(traced(refused=True), source)) == 1
    assert '"NUM"' not in as_text(traced(refused=True), source)


def test_why_there_are_none_is_said_refused_or_not(source: Dataset) -> None:
    for outcome in (traced(still=True), traced(still=True, refused=True)):
        assert len(groups(outcome, source)) == 1
        text = as_text(outcome, source)
        assert "no beats: the left ventricle stands still" in text


def test_beats_make_it_another_object(source: Dataset) -> None:
    uids = {
        str(to_sr(outcome, source, created=NOW).SOPInstanceUID)
        for outcome in (answered(), traced(), traced(rule="published"))
    }
    assert len(uids) == 3
    assert written(traced(), source) == written(traced(), source)


def test_as_dcmtk_reads_it(source: Dataset, tmp_path: Path) -> None:
    (tmp_path / "report.dcm").write_bytes(written(traced(), source))
    shown = dsrdump(tmp_path / "report.dcm")
    for words in (
        '(18043-0,LN,"Left Ventricular Ejection Fraction by US")="47.6" (%,UCUM,"Percent")',
        '(18026-5,LN,"Left Ventricular End Diastolic Volume")="223.3" (mL,UCUM,"milliliter")',
        '(125208,DCM,"Method of Disks, Single Plane")',
        '(125205,DCM,"Area-Length Single Plane")',
        '(416190007,SCT,"End diastole")',
        "beats: 4 used of 5",
    ):
        assert words in shown, words
    assert shown.count(f'="{RESEARCH_USE}"') == 2
