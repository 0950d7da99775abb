"""What the node takes, what it refuses, and the status that it answers with."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import pytest
from dicom_net import SUCCESS, US_MULTIFRAME, Scanner, Service, bare, write_cine
from dicoms import DICOM_FORMATS, write_dicom
from media import phantom_frames
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    MPEGTransferSyntaxes,
)

from edgeecho.cine.dicom import syntaxes
from edgeecho.inference import LoadedModel, estimate_file, load_model
from edgeecho.service.dicom.syntaxes import transfer_syntaxes
from edgeecho.service.jobs import Runner

OUT_OF_RESOURCES, CANNOT_UNDERSTAND, DOES_NOT_MATCH = 0xA700, 0xC000, 0xA900
RETIRED = "1.2.840.10008.5.1.4.1.1.3"
IDENTIFIERS = {
    "StudyInstanceUID": "1.2.826.0.1.3680043.8.498.5",
    "SeriesInstanceUID": "1.2.826.0.1.3680043.8.498.6",
}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    """What the engine's process has loaded too."""
    return load_model(threads=1)


def test_every_transfer_syntax_that_can_be_read_is_taken() -> None:
    readable = {
        *(syntaxes.NATIVE - {""}),
        *(syntaxes.JPEG | syntaxes.J2K | syntaxes.JPEG_LOSSLESS | syntaxes.JPEG_LS),
        *(syntaxes.RLE, *MPEGTransferSyntaxes),
    }
    assert set(transfer_syntaxes()) == readable


def test_what_needs_a_missing_package_is_left_to_the_sender(monkeypatch: Any) -> None:
    monkeypatch.setattr("edgeecho.service.dicom.syntaxes.find_spec", lambda _name: None)
    assert not set(transfer_syntaxes()) & (syntaxes.JPEG_LOSSLESS | syntaxes.JPEG_LS)


def test_echo(service: Service) -> None:
    with Scanner(service.node.port) as scanner:
        assert scanner.association.send_c_echo().Status == SUCCESS


@pytest.mark.slow
@pytest.mark.parametrize("name", DICOM_FORMATS)
def test_cines_of_every_encoding_are_answered(
    service: Service, model: LoadedModel, tmp_path: Path, name: str
) -> None:
    path = DICOM_FORMATS[name](tmp_path / "a.dcm")
    dataset = dcmread(path)
    dataset.SOPInstanceUID = f"1.2.3.{list(DICOM_FORMATS).index(name) + 1}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.update(IDENTIFIERS)
    for keyword, value in IDENTIFIERS.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    check_answered(service, path, model)


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_cines_are_answered_as_they_come(
    service: Service, model: LoadedModel, tmp_path: Path, syntax: str
) -> None:
    path = write_dicom(
        tmp_path / "a.dcm",
        phantom_frames()[:70],
        FrameTime=20,
        SOPInstanceUID=f"1.2.4.{len(syntax)}.{syntax[-1]}",
        **IDENTIFIERS,
    )
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)
    check_answered(service, path, model)


def check_answered(service: Service, path: Path, model: LoadedModel) -> None:
    """As the same file is answered from a disk."""
    sop_class, _, syntax, _ = bare(path)
    with Scanner(service.node.port, contexts=[(sop_class, syntax)]) as scanner:
        assert scanner.store(path) == (SUCCESS, "")
    job = service.store.queue.latest(1)[0]
    service.wait(lambda: service.store.queue.get(job.id).ended)
    ended = service.store.queue.get(job.id)
    assert ended.status == "answered", ended.error
    assert ended.document is not None
    (result,) = ended.document["results"]
    assert result["ef"] == pytest.approx(estimate_file(path, model, clips="stride:16").ef, abs=1e-3)
    assert result["video"]["fps"] == pytest.approx(50, rel=0.01)


def test_the_retired_class_is_a_cine_too(service: Service, tmp_path: Path) -> None:
    path = write_cine(tmp_path / "a.dcm", 20, SOPClassUID=RETIRED)
    with Scanner(service.node.port, contexts=[(RETIRED, JPEGBaseline8Bit)]) as scanner:
        assert scanner.store(path) == (SUCCESS, "")


def test_the_same_object_is_one_study(service: Service, tmp_path: Path) -> None:
    path = write_cine(tmp_path / "a.dcm", 30)
    before = len(service.store.queue.latest(1000))
    with Scanner(service.node.port) as scanner:
        assert [scanner.store(path)[0] for _ in range(3)] == [SUCCESS] * 3
    assert len(service.store.queue.latest(1000)) == before + 1


def _zeros(data: bytes) -> bytes:
    return bytes(len(data))


MALFORMED = {
    "one byte": lambda data: data[:1],
    "random": lambda data: bytes(n * 77 % 251 for n in range(5000)),
    "zeros": _zeros,
    "cut within the header": lambda data: data[:150],
    "another transfer syntax": lambda data: b"\x08\x00" + data[:60],
    "a length of 4 GB": lambda data: b"\x08\0\x05\0OB\0\0\xfe\xff\xff\xff" + data,
    "text": lambda data: b"GET / HTTP/1.1\r\nHost: edgeecho\r\n\r\n" * 20,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_datasets_cannot_be_understood(
    service: Service, tmp_path: Path, name: str
) -> None:
    data = MALFORMED[name](bare(write_cine(tmp_path / "a.dcm", 40))[3])
    before = len(service.store.queue.latest(1000))
    with Scanner(service.node.port) as scanner:
        status, comment = scanner.store_bytes(data)
        assert status == CANNOT_UNDERSTAND
        assert 0 < len(comment) <= 64
        assert scanner.association.send_c_echo().Status == SUCCESS, "it goes on"
    assert len(service.store.queue.latest(1000)) == before
    assert_nothing_is_left(service)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize("value", [None, "1.2.x", "", "../../etc/passwd"])
def test_a_cine_that_no_report_could_refer_to_is_not_taken(
    service: Service, tmp_path: Path, keyword: str, value: str | None
) -> None:
    path = write_cine(tmp_path / "a.dcm", 41, **{keyword: value})
    with Scanner(service.node.port) as scanner:
        assert scanner.store(path) == (CANNOT_UNDERSTAND, f"no valid {keyword}")
    assert_nothing_is_left(service)


def test_the_command_must_name_the_object(service: Service, tmp_path: Path) -> None:
    data = bare(write_cine(tmp_path / "a.dcm", 42))[3]
    with Scanner(service.node.port) as scanner:
        status, comment = scanner.store_bytes(data, instance="1.2.3.4.5")
    assert status == DOES_NOT_MATCH
    assert "another object" in comment
    assert_nothing_is_left(service)


def test_what_is_too_large_is_refused_and_thrown_away_as_it_comes(
    beside: Any, tmp_path: Path
) -> None:
    from edgeecho.cine import DecodeLimits

    service = beside(limits=DecodeLimits(megabytes=1))
    large = write_dicom(tmp_path / "a.dcm", phantom_frames(), **IDENTIFIERS)
    assert large.stat().st_size > 3_000_000
    with Scanner(service.node.port, contexts=[(US_MULTIFRAME, ExplicitVRLittleEndian)]) as scanner:
        assert scanner.store(large) == (OUT_OF_RESOURCES, "larger than 1 MB, the limit here")
    assert_nothing_is_left(service)


@pytest.mark.slow
def test_a_deflate_bomb_is_refused(beside: Any, tmp_path: Path) -> None:
    from edgeecho.cine import DecodeLimits

    service = beside(limits=DecodeLimits(megabytes=20))
    path = write_dicom(tmp_path / "a.dcm", phantom_frames()[:2], **IDENTIFIERS)
    data = bare(path)[3] + bytes(200_000_000)
    packed = zlib.compressobj(wbits=-15)
    bomb = packed.compress(data) + packed.flush()
    assert len(bomb) < 1_000_000
    syntax = DeflatedExplicitVRLittleEndian
    with Scanner(service.node.port, contexts=[(US_MULTIFRAME, syntax)]) as scanner:
        status, _ = scanner.store_bytes(bomb, syntax=syntax, instance=bare(path)[1])
    assert status == CANNOT_UNDERSTAND
    assert_nothing_is_left(service)


@pytest.mark.slow
def test_a_full_queue_is_out_of_resources(serve: Any, tmp_path: Path) -> None:
    from crashing import SlowTask
    from dicom_net import make_task

    service = serve(queue=2, task=make_task(SlowTask))
    paths = [write_cine(tmp_path / f"{n}.dcm", n, frames=2) for n in range(1, 7)]
    with Scanner(service.node.port) as scanner:
        answers = [scanner.store(path) for path in paths]
        assert answers[0] == (SUCCESS, "")
        # One runs and two wait, or two wait when none has been begun.
        assert answers[4:] == [(OUT_OF_RESOURCES, "too many studies wait")] * 2
        assert scanner.association.send_c_echo().Status == SUCCESS
    accepted = sum(status == SUCCESS for status, _ in answers)
    assert len(service.store.queue.latest(10)) == accepted
    assert len(list((tmp_path / "state" / "files").iterdir())) == accepted


@pytest.mark.slow
def test_nothing_is_taken_while_nothing_would_be_answered(
    beside: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sender keeps its studies, and may send them to another node."""
    service = beside()
    path = write_cine(tmp_path / "a.dcm", 60)
    before = service.store.queue.latest(1000)
    with Scanner(service.node.port) as scanner:
        with monkeypatch.context() as patch:
            patch.setattr(Runner, "alive", False)
            assert scanner.store(path) == (OUT_OF_RESOURCES, "nothing is answered at the moment")
            assert scanner.association.send_c_echo().Status == SUCCESS
            assert service.node.tally["object refused A700"] == 1
        assert service.store.queue.latest(1000) == before
        assert_nothing_is_left(service)
        assert scanner.store(path) == (SUCCESS, "")


def assert_nothing_is_left(service: Service) -> None:
    """No file but those of studies that wait or run."""
    known = {job.id for job in service.store.queue.latest(1000)}
    files = service.store.queue.file_of("x").parent
    service.wait(lambda: {path.name for path in files.iterdir()} <= known, 5)
