"""Structured reports, read back by highdicom and by dcmtk."""

from __future__ import annotations

import io
import random
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from answers import NAME, REASONS, answered, failed, refused
from as_dicom import write_dicom
from content_items import items, named
from dcmtk import dsrdump
from pydicom import Dataset, dcmread

from edgeecho import RESEARCH_USE, __version__
from edgeecho.bundle import EXAMPLE, Skill
from edgeecho.cine.dicom.quiet import quiet
from edgeecho.common.errors import InputError
from edgeecho.report.dicom_source import read_header
from edgeecho.results import Answer, Outcome

highdicom = pytest.importorskip("highdicom")
from edgeecho.report.dicom_sr import SERIES_NUMBER, to_sr  # noqa: E402

NOW = datetime(2025, 1, 2, 3, 4, 5)
MARK = "SECRET"
PATIENT = {
    "PatientName": f"{MARK}^NAME", "PatientID": f"{MARK}-ID", "PatientBirthDate": "19010101",
    "PatientSex": "F", "AccessionNumber": f"{MARK}-A", "StudyID": f"{MARK}-S",
    "StudyDate": "19020202", "StudyTime": "030303", "ReferringPhysicianName": f"{MARK}^REF",
    "StudyDescription": f"{MARK} study", "IssuerOfPatientID": f"{MARK}-I",
}  # fmt: skip


@pytest.fixture(scope="module")
def cine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dicom(EXAMPLE, tmp_path_factory.mktemp("cine") / "phantom.dcm")


@pytest.fixture
def source(cine: Path) -> Dataset:
    return read_header(cine)


def written(dataset: Dataset) -> bytes:
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def dumped(dataset: Dataset, folder: Path) -> str:
    (folder / "report.dcm").write_bytes(written(dataset))
    return dsrdump(folder / "report.dcm")


def number(item: Dataset) -> float:
    return float(item.MeasuredValueSequence[0].NumericValue)


@pytest.mark.slow
def test_an_answer_as_dcmtk_reads_it(source: Dataset, tmp_path: Path) -> None:
    shown = dumped(to_sr(answered(47.6), source, created=NOW), tmp_path)
    for words in (
        "Comprehensive SR Document",
        "Patient             : PHANTOM^NOBODY (O, #PHANTOM)",
        "Preliminary Flag    : PRELIMINARY",
        "Verification Flag   : UNVERIFIED",
        "Content Date/Time   : 2025-01-02 03:04:05",
        '(18043-0,LN,"Left Ventricular Ejection Fraction by US")="47.6" (%,UCUM,"Percent")',
        f'="{RESEARCH_USE}"',
        "(87878005,SCT,",
    ):
        assert words in shown, words
    assert shown.count("<contains NUM:") == 1


def test_a_refusal_as_dcmtk_reads_it(source: Dataset, tmp_path: Path) -> None:
    shown = dumped(to_sr(refused(), source, created=NOW), tmp_path)
    assert "NUM:" not in shown
    assert "Preliminary Flag    : PRELIMINARY" in shown
    assert f'="{RESEARCH_USE}"' in shown
    for reason in REASONS:
        assert reason.reason in shown


def test_an_answer_as_highdicom_reads_it(source: Dataset) -> None:
    report = highdicom.sr.srread(io.BytesIO(written(to_sr(answered(), source, created=NOW))))
    (group,) = report.content.get_image_measurement_groups()
    (measured,) = group.get_measurements()
    assert (measured.name.value, measured.value, measured.unit.value) == ("18043-0", 47.6, "%")
    assert measured.finding_sites[0].value.value == "87878005"
    (image,) = group.source_images
    assert image.referenced_sop_instance_uid == source.SOPInstanceUID
    (band,) = group.get_qualitative_evaluations()
    assert band.value.value == "mildly-reduced"
    (observer,) = report.content.get_observer_contexts()
    assert observer.observer_type.meaning == "Device"


def test_interval_and_chances_hang_on_the_measurement(source: Dataset) -> None:
    report = to_sr(answered(47.6), source, created=NOW)
    (measured,) = named(report, "18043-0")
    values = {
        item.ConceptNameCodeSequence[0].CodeValue: number(item)
        for item in items(measured)
        if item.ValueType == "NUM"
    }
    assert values == {
        "371886008": 8.0,
        "371885007": 7.0,
        "p-at-most-40": 4.76,
        "p-below-50": 47.6,
    }
    (population,) = named(measured, "121405")
    assert population.TextValue.startswith("90 % prediction interval")
    assert population.TextValue.endswith("was not trained on: phantoms")
    bare = to_sr(answered(bare=True), source, created=NOW)
    assert [item.ValueType for item in items(bare)].count("NUM") == 1


def test_the_algorithm_is_named_with_its_hashes(source: Dataset) -> None:
    outcome = answered()
    assert isinstance(outcome.answer, Answer)
    model = outcome.answer.model
    report = to_sr(outcome, source, created=NOW)
    assert [item.TextValue for item in named(report, "111001")] == ["edgeecho"]
    assert [item.TextValue for item in named(report, "111003")] == [__version__]
    parameters = [item.TextValue for item in named(report, "111002")]
    assert f"model sha256 {model.sha256}" in parameters
    assert f"preprocessing sha256 {model.preprocess.sha256()}" in parameters
    assert "no contour is traced" in parameters[0]
    traced = {"79993-2", "79992-4", "79991-6", "77891-0"}
    assert not traced & {item.ConceptNameCodeSequence[0].CodeValue for item in items(report)}


def test_a_refused_report_is_the_same_whatever_its_number(source: Dataset) -> None:
    every = {
        written(to_sr(refused(ef, show=show), source, created=NOW))
        for ef in (18.7654, 73.2109)
        for show in (False, True)
    }
    assert len(every) == 1
    report = dcmread(io.BytesIO(every.pop()))
    assert "NUM" not in {item.ValueType for item in items(report)}
    assert "MeasuredValueSequence" not in {element.keyword for element in report.iterall()}
    assert [item.TextValue for item in named(report, "refusal")] == [
        f"refused: too short: {REASONS[0].reason}",
        f"refused: far from training: {REASONS[1].reason}",
    ]


def test_series_and_research_use(source: Dataset) -> None:
    report = to_sr(answered(), source, created=NOW)
    assert report.SeriesNumber == SERIES_NUMBER
    assert "research use only" in report.SeriesDescription
    assert (report.Modality, report.Manufacturer) == ("SR", "edgeecho")
    assert (str(report.InstanceCreationDate), str(report.ContentTime)) == ("20250102", "030405")
    assert report.StudyInstanceUID == source.StudyInstanceUID
    assert report.SeriesInstanceUID != source.SeriesInstanceUID
    (reference,) = report.CurrentRequestedProcedureEvidenceSequence
    assert reference.StudyInstanceUID == source.StudyInstanceUID
    (series,) = reference.ReferencedSeriesSequence
    assert series.SeriesInstanceUID == source.SeriesInstanceUID


def test_the_same_answer_is_the_same_object_and_another_is_not(source: Dataset) -> None:
    def uid(outcome: Outcome, source: Dataset) -> str:
        return str(to_sr(outcome, source, created=NOW).SOPInstanceUID)

    one = answered()
    assert isinstance(one.answer, Answer)
    first = to_sr(one, source, created=NOW)
    assert written(first) == written(to_sr(one, source, created=NOW))
    assert str(first.SOPInstanceUID).startswith("2.25.")
    assert len(first.SOPInstanceUID) <= 64
    other_source = deepcopy(source)
    other_source.SOPInstanceUID = "1.2.3"
    model = replace(one.answer.model, sha256="0" * 64)
    # It warns in every answer.
    few = Skill(n=1, mae=0.0, mae_of_constant=0.0, low=0.0, data="VAL videos", how="by hand")
    unskilled = replace(one.answer.model, skill=few)
    assuming = replace(one.answer.model, assumed="a neighbour's")
    changed = [
        uid(replace(one, answer=replace(one.answer, **change)), source)
        for change in (*({"model": m} for m in (model, unskilled, assuming)), {"clips": "all"})
    ]
    everything = {first.SOPInstanceUID, uid(one, other_source), *changed}
    assert len(everything) == 6
    # When it was made does not make it another one.
    later = to_sr(one, source, created=datetime(2026, 1, 1))
    assert later.SOPInstanceUID == first.SOPInstanceUID


@pytest.mark.parametrize("outcome", [answered(), refused()], ids=["answered", "refused"])
def test_the_patient_is_copied_and_is_nowhere_else(source: Dataset, outcome: Outcome) -> None:
    for keyword, value in PATIENT.items():
        setattr(source, keyword, value)
    source.PatientComments = source.InstitutionName = source.OperatorsName = MARK
    source.SeriesDescription = source.ImageComments = source.StationName = MARK
    report = to_sr(outcome, source, created=NOW)
    found = {
        element.keyword: str(element.value)
        for element in report.iterall()
        if any(part in str(element.value) for part in (MARK, "1901", "1902", "030303"))
        and element.VR not in ("SQ", "UI")
    }
    assert found == {name: value for name, value in PATIENT.items() if name != "PatientSex"}
    assert report.PatientSex == "F"
    for part in (NAME, "DOE", "JANE"):
        assert part.encode() not in written(report)


@pytest.mark.filterwarnings("error")
def test_what_the_standard_does_not_allow_is_left_empty_and_unsaid(
    source: Dataset, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with quiet():
        source.PatientName = f"{MARK} without a caret"
        source.PatientID = "7" * 500
        for keyword in ("PatientBirthDate", "StudyTime", "PatientSex"):
            del source[keyword]
            source.add_new(keyword, "LO", MARK)
    report = to_sr(answered(), source, created=NOW)
    assert report.PatientName == f"{MARK} without a caret"
    for keyword in ("PatientID", "PatientBirthDate", "StudyTime", "PatientSex"):
        assert not report.get(keyword), keyword
    written(report)
    assert MARK not in caplog.text
    assert MARK not in "".join(capfd.readouterr())


def test_names_in_other_scripts_come_out_in_utf8(cine: Path, tmp_path: Path) -> None:
    dataset = dcmread(cine)
    dataset.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    dataset.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    dataset.StudyDescription = "心臓"
    dataset.save_as(tmp_path / "cine.dcm")
    report = to_sr(answered(), read_header(tmp_path / "cine.dcm"), created=NOW)
    again = dcmread(io.BytesIO(written(report)))
    assert again.SpecificCharacterSet == "ISO_IR 192"
    assert again.PatientName == "Yamada^Tarou=山田^太郎=やまだ^たろう"
    assert again.StudyDescription == "心臓"


@pytest.mark.parametrize(
    ("declared", "name", "expected"),
    [
        (None, "Müster^Änne".encode(), ""),  # no set is declared: ASCII
        (None, "Müster^Änne".encode("latin-1"), ""),
        (None, b"Muester^Aenne", "Muester^Aenne"),
        ("ISO_IR 6", "Müster".encode(), ""),
        ("ISO_IR 100", "Müster^Änne".encode("latin-1"), "Müster^Änne"),
        ("ISO_IR 100", "ÜÄ^Wei\u015f".encode(), ""),  # UTF-8: its bytes are no Latin letters
        ("ISO_IR 144", "Люкceмбypг".encode("iso8859-5"), "Люкceмбypг"),
        ("ISO_IR 192", "Müster^Änne".encode(), "Müster^Änne"),
        ("ISO_IR 192", "Müster^Änne".encode("latin-1"), ""),
        ("GB18030", "王^小东".encode("gb18030"), "王^小东"),
        ("ISO_IR 999", "Müster".encode("latin-1"), ""),
        ("ISO_IR 999", b"Muester", "Muester"),
        ("ISO 2022 IR 87", b"\x1b$B;3\xff", ""),
    ],
)
def test_a_name_that_does_not_fit_its_character_set_is_left_empty(
    cine: Path, tmp_path: Path, declared: str | None, name: bytes, expected: str
) -> None:
    dataset = dcmread(cine)
    padded = name + b" " * (len(name) % 2)
    dataset.PatientName = "x" * len(padded)
    if declared:
        same_length = {7: "ISO_IR 6", 8: "ISO_IR 6", 10: "ISO_IR 100", 14: "ISO 2022 IR 6"}
        dataset.SpecificCharacterSet = same_length[len(declared)]
    stream = io.BytesIO()
    dataset.save_as(stream)
    # Written by nobody's encoder.
    data = stream.getvalue().replace(b"x" * len(padded), padded, 1)
    if declared:
        old = dataset.SpecificCharacterSet.encode()
        even = len(old) + len(old) % 2
        data = data.replace(old.ljust(even), declared.encode().ljust(even), 1)
    (tmp_path / "cine.dcm").write_bytes(data)
    report = to_sr(answered(), read_header(tmp_path / "cine.dcm"), created=NOW)
    again = dcmread(io.BytesIO(written(report)))
    assert again.SpecificCharacterSet == "ISO_IR 192"
    assert again.PatientName == expected
    assert again.PatientID == dataset.PatientID


def test_a_source_of_an_unknown_class_is_as_good(source: Dataset) -> None:
    source.SOPClassUID = "1.2.840.113543.6.6.1.3.10002"
    report = to_sr(answered(), source, created=NOW)
    (image, *_) = [item for item in items(report) if item.ValueType == "IMAGE"]
    assert image.ReferencedSOPSequence[0].ReferencedSOPClassUID == source.SOPClassUID


@pytest.mark.parametrize("value", [None, "", f"1.2.{MARK}"])
@pytest.mark.parametrize(
    "keyword", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"]
)
def test_a_source_that_cannot_be_referred_to_is_said_without_quoting_it(
    source: Dataset, keyword: str, value: str | None
) -> None:
    del source[keyword]
    if value is not None:
        with quiet():
            source.add_new(keyword, "UI", value)
    with pytest.raises(InputError, match=f"no valid {keyword}") as caught:
        to_sr(answered(), source, created=NOW)
    assert MARK not in str(caught.value)


def test_a_file_without_an_answer_gets_a_report_that_says_so(
    source: Dataset, tmp_path: Path
) -> None:
    report = to_sr(failed(), source, created=NOW)
    text = dumped(report, tmp_path)
    assert f"not answered: {failed().answer.message}" in text  # type: ignore[union-attr]
    # It may be an X-ray: nobody says that an echocardiography was done.
    assert "Imaging procedure" in text
    assert "Echocardiography" not in text
    assert RESEARCH_USE in text
    assert "NUM" not in text
    assert not [item for item in items(report) if item.ValueType == "NUM"]
    assert (report.PreliminaryFlag, report.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    again = to_sr(failed(), source, created=NOW)
    assert report.SOPInstanceUID == again.SOPInstanceUID
    assert report.SOPInstanceUID != to_sr(refused(), source, created=NOW).SOPInstanceUID


def test_a_video_has_no_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no DICOM file"):
        read_header(EXAMPLE)
    with pytest.raises(InputError, match="cannot be read again"):
        read_header(tmp_path / "gone.dcm")


@pytest.mark.slow
def test_damaged_headers_give_a_report_or_an_error_of_ours(cine: Path, tmp_path: Path) -> None:
    data, path = cine.read_bytes()[:4000], tmp_path / "cine.dcm"
    reports = 0
    for seed in range(100):
        chance, changed = random.Random(seed), bytearray(data)
        for _ in range(chance.choice([1, 3, 10, 40])):
            changed[chance.randrange(132, 1000)] = chance.choice([0, 0x1B, 0x5C, 0xFF, seed])
        path.write_bytes(changed)
        try:
            report = to_sr(answered(), read_header(path), created=NOW)
        except InputError:
            continue
        reports += bool(written(report))
    assert 20 < reports < 100
