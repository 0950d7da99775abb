"""Nothing that a file says in words gets out of it, whole or broken."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset

from edgeecho.cine import Cine
from edgeecho.cine.dicom import read_dicom
from edgeecho.common.errors import EdgeEchoError

PIXELS = np.random.default_rng(0).integers(1, 256, (12, 20, 30, 3), dtype=np.uint8)
MARK = "SECRET"


def texts() -> dict[str, object]:
    inner = Dataset()
    inner.PatientName = inner.PatientComments = MARK
    return {
        "PatientName": f"{MARK}^{MARK}",
        "PatientID": MARK,
        "PatientBirthDate": MARK,
        "PatientSex": MARK,
        "PatientAge": MARK,
        "PatientComments": MARK,
        "OtherPatientIDsSequence": [inner],
        "StudyDate": MARK,
        "StudyTime": MARK,
        "StudyInstanceUID": f"1.2.{MARK}",
        "SeriesInstanceUID": f"1.2.{MARK}",
        "StudyDescription": MARK,
        "SeriesDescription": MARK,
        "InstitutionName": MARK,
        "InstitutionAddress": MARK,
        "ReferringPhysicianName": MARK,
        "OperatorsName": MARK,
        "AccessionNumber": MARK,
        "StationName": MARK,
        "Manufacturer": MARK,
        "DeviceSerialNumber": MARK,
        "ImageComments": MARK * 50,
        "SpecificCharacterSet": MARK,
    }


@pytest.fixture
def outcome(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> Callable[[Path], str]:
    """All words that come of reading a file: of the cine or the error, and of logs."""

    def read(path: Path) -> str:
        caplog.clear()
        with caplog.at_level(logging.DEBUG):
            try:
                cine = read_dicom(path)
                kept = {f.name for f in fields(Cine)} - {"frames", "timestamps_s"}
                words = repr([getattr(cine, name) for name in sorted(kept)])
            except EdgeEchoError as error:
                # A cause would be printed with a traceback.
                words = f"{error} {error.__cause__ or ''}"
        assert "\n" not in words
        assert str(path.parent) not in words
        said = capfd.readouterr()
        assert (said.out, said.err) == ("", "")
        return words + caplog.text

    return read


@pytest.mark.filterwarnings("error")  # a warning that got out
def test_a_whole_file(write_dicom: Callable[..., Path], outcome: Callable[[Path], str]) -> None:
    path = _write(write_dicom, FrameTime=20)
    assert path.read_bytes().count(MARK.encode()) > 70
    words = outcome(path)
    assert MARK not in words
    assert "FrameTime" in words


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["Modality", "TransducerType", "ImageType", "SOPClassUID"])
def test_what_says_of_what_kind_it_is(
    write_dicom: Callable[..., Path], outcome: Callable[[Path], str], name: str
) -> None:
    value = ["ORIGINAL", "PRIMARY", MARK, MARK] if name == "ImageType" else MARK
    assert MARK not in outcome(_write(write_dicom, FrameTime=20, **{name: value}))


def _write(write_dicom: Callable[..., Path], **attributes: object) -> Path:
    # pydicom warns of the texts that it is made to write.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return write_dicom(PIXELS, **(texts() | attributes))


BREAKABLE = {
    "PhotometricInterpretation": "RGB_____________",
    "FrameTime": "20.0000000000000",
    "FrameTimeVector": "20.0000000000000",
    "CineRate": "3000000000",
    "NumberOfFrames": "120000000000",
    "WindowCenter": "20.0000000000000",
    "EffectiveDuration": "20.0000000000000",
}


@pytest.mark.parametrize("name", BREAKABLE)
def test_a_text_where_something_else_belongs(
    write_dicom: Callable[..., Path], outcome: Callable[[Path], str], name: str
) -> None:
    value = BREAKABLE[name].replace("_", " ")
    path = _write(write_dicom, **{name: value})
    data = path.read_bytes()
    text = value.encode()
    assert data.count(text) == 1
    path.write_bytes(data.replace(text, (MARK * 3).encode()[: len(text)]))
    assert MARK not in outcome(path)


def test_a_text_as_the_transfer_syntax(
    write_dicom: Callable[..., Path], outcome: Callable[[Path], str]
) -> None:
    path = _write(write_dicom)
    data = path.read_bytes()
    path.write_bytes(data.replace(b"1.2.840.10008.1.2.1\0", MARK.encode().ljust(20, b"X"), 1))
    words = outcome(path)
    assert MARK not in words
    assert "unknown transfer syntax" in words


@pytest.mark.slow
def test_broken_anywhere(write_dicom: Callable[..., Path], outcome: Callable[[Path], str]) -> None:
    path = _write(write_dicom)
    whole = path.read_bytes()
    header = whole.index(b"\xe0\x7f\x10\x00")
    for at in range(132, header, 7):
        for broken in (
            whole[:at],
            whole[:at] + b"\xff\xff" + whole[at + 2 :],
            whole[:at] + bytes(6) + whole[at + 6 :],
            whole[:at] + MARK.encode() + whole[at + 6 :],
        ):
            path.write_bytes(broken)
            assert MARK not in outcome(path), at
