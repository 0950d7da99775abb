"""A dataset on its way to the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from pynetdicom.dsutils import create_file_meta

from edgeecho.common.errors import OutputError
from edgeecho.service.dicom.part10 import Part
from edgeecho.service.dicom.statuses import CANNOT_UNDERSTAND, OUT_OF_RESOURCES, Refused


def meta() -> FileMetaDataset:
    return create_file_meta(
        sop_class_uid=UltrasoundMultiFrameImageStorage,
        sop_instance_uid=generate_uid(),
        transfer_syntax=ExplicitVRLittleEndian,
    )


def test_a_dataset_that_grows_into_the_reserve_of_the_disk_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "a.part"

    def check_disk() -> None:
        raise OutputError("the disk is full")

    part = Part(lambda _: path, 10**9, meta, check_disk)
    for _ in range(4):
        part.write(bytes(1 << 20))
    assert path.exists(), "what is small is not asked about"
    for _ in range(4):
        part.write(bytes(1 << 20))
    assert not path.exists()
    with pytest.raises(Refused) as caught:
        part.finish()
    assert caught.value.status == OUT_OF_RESOURCES


DATA = b"\x10\x00\x10\x00PN\x02\x00A^"
"""A patient's name."""


def refused(part: Part) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        part.finish()
    return caught.value.status, str(caught.value)


def test_what_comes_is_the_dataset_of_a_file(tmp_path: Path) -> None:
    part = Part(lambda _: tmp_path / "a.part", 10**6, meta)
    assert part.write(DATA[:5]) == 5
    assert part.write(DATA[5:]) == 5
    path = part.finish()
    assert path == tmp_path / "a.part"
    content = path.read_bytes()
    assert content[:132] == bytes(128) + b"DICM"
    assert content.endswith(DATA)
    read = dcmread(path)
    assert read.PatientName == "A^"
    assert read.file_meta.MediaStorageSOPClassUID == UltrasoundMultiFrameImageStorage


def test_a_file_may_be_as_large_as_the_limit_and_no_larger(tmp_path: Path) -> None:
    fixed = meta()
    fixed.MediaStorageSOPInstanceUID = "1.2"

    def part(most: int) -> Part:
        return Part(lambda _: tmp_path / "a.part", most, lambda: fixed)

    sized = part(10**6)
    sized.write(b"")
    head = sized.finish().stat().st_size
    good = part(head + 10)
    good.write(DATA)
    assert good.finish().stat().st_size == head + 10
    large = part(head + 9)
    large.write(DATA)
    assert refused(large) == (OUT_OF_RESOURCES, "larger than 0 MB, the limit here")
    assert not (tmp_path / "a.part").exists()
    assert large.write(DATA) == 10, "what follows is thrown away"
    assert not (tmp_path / "a.part").exists()


def test_the_disk_is_asked_again_after_every_4_mib(tmp_path: Path) -> None:
    written, asked = 0, []
    part = Part(lambda _: tmp_path / "a.part", 10**9, meta, lambda: asked.append(written))
    for _ in range(40):
        part.write(bytes(1 << 18))
        written += 1
    part.finish()
    # Before the write that comes after 4 MiB and the file's head: 16 times a quarter of a MiB.
    assert asked == [16, 33]


def test_a_message_without_a_dataset_is_no_file(tmp_path: Path) -> None:
    part = Part(lambda _: tmp_path / "a.part", 10**6, meta)
    assert refused(part) == (CANNOT_UNDERSTAND, "there is no dataset")
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_names_no_object_is_no_file(tmp_path: Path) -> None:
    part = Part(lambda _: tmp_path / "a.part", 10**6, FileMetaDataset)
    part.write(DATA)
    assert refused(part) == (CANNOT_UNDERSTAND, "the command names no object")
    assert list(tmp_path.iterdir()) == []


def test_a_queue_that_takes_nothing_is_told_to_the_sender(tmp_path: Path) -> None:
    def full(_: FileMetaDataset) -> Path:
        raise OutputError("the disk is full")

    part = Part(full, 10**6, meta)
    part.write(DATA)
    assert refused(part)[0] == OUT_OF_RESOURCES


def test_what_is_given_up_is_gone_and_its_first_reason_stays(tmp_path: Path) -> None:
    part = Part(lambda _: tmp_path / "a.part", 10**6, meta)
    part.write(DATA)
    part.give_up()
    part.give_up(Refused(OUT_OF_RESOURCES, "late"))
    assert refused(part) == (CANNOT_UNDERSTAND, "cut short")
    assert not (tmp_path / "a.part").exists()


def test_no_room_for_the_last_bytes_is_told_to_the_sender(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = Part(lambda _: tmp_path / "a.part", 10**6, meta)
    part.write(DATA)

    def full(self: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Part, "_close", full)
    assert refused(part)[0] == OUT_OF_RESOURCES
    assert not (tmp_path / "a.part").exists()
