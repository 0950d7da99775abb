"""What an archive's response to a report means, without a network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from edgeecho.service.dicom.archive import Archive, _Sending
from edgeecho.service.dicom.link import NotTakenError, UnreachableError
from edgeecho.service.dicom.settings import Destination


@pytest.fixture
def report(tmp_path: Path) -> Path:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.3", "1.2.4"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.3"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.4"
    dataset.save_as(tmp_path / "sr.dcm", enforce_file_format=True)
    return tmp_path / "sr.dcm"


def link(*statuses: Any) -> tuple[_Sending, list[int]]:
    """A link whose responses have these statuses, and the numbers of the messages sent."""
    sent: list[int] = []

    def store(_: Dataset, *, msg_id: int) -> dict[str, Any]:
        sent.append(msg_id)
        status = statuses[len(sent) - 1]
        if isinstance(status, Exception):
            raise status
        return {} if status is None else {"Status": status}

    association = SimpleNamespace(
        send_c_store=store, accepted_contexts=[SimpleNamespace(abstract_syntax="1.2.3")]
    )
    return _Sending(association), sent  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [0x0000, 0xB000, 0xB006, 0xB007])
def test_success_and_warnings_mean_that_it_is_stored(report: Path, status: int) -> None:
    link(status)[0].send(report)


@pytest.mark.parametrize("status", [0x0001, 0xA700, 0xB001, 0xB005, 0xB008, 0xC000, 0xFF00])
def test_any_other_status_means_that_it_is_not(report: Path, status: int) -> None:
    with pytest.raises(NotTakenError, match=f"status {status:04X}"):
        link(status)[0].send(report)


@pytest.mark.parametrize("status", [None, "0"])
def test_no_status_means_that_the_association_is_lost(report: Path, status: Any) -> None:
    with pytest.raises(UnreachableError, match="the association was lost"):
        link(status)[0].send(report)


def test_each_message_has_a_number_of_its_own(report: Path) -> None:
    sending, sent = link(0, 0, 0)
    for _ in range(3):
        sending.send(report)
    assert sent == [1, 2, 3]


def test_junk_is_no_bug_and_a_bug_is_none_of_the_archive(report: Path) -> None:
    junk = ValueError("from within pynetdicom")
    with pytest.raises((UnreachableError, ValueError)):
        link(junk)[0].send(report)


def test_a_report_that_is_damaged_is_not_sent(tmp_path: Path, report: Path) -> None:
    sending, sent = link(0)
    report.write_bytes(b"nothing")
    with pytest.raises(NotTakenError, match="the file of the report is damaged"):
        sending.send(report)
    assert sent == []


def test_an_archive_is_named_by_its_destination_and_not_opened_after_it_was_aborted() -> None:
    archive = Archive(Destination("THERE", "127.0.0.1", 9), "US")
    assert str(archive) == "THERE@127.0.0.1:9"
    archive.abort()
    with pytest.raises(UnreachableError, match="the node is being closed"), archive.open():
        raise AssertionError


def test_an_archive_that_did_not_agree_on_the_class_is_sent_nothing(report: Path) -> None:
    sending, sent = link(0)
    sending._association.accepted_contexts = []  # type: ignore[misc]
    with pytest.raises(NotTakenError, match="does not take objects of that class"):
        sending.send(report)
    assert sent == []
