"""A dataset on its way to the disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid
from pynetdicom.dsutils import create_file_meta

from edgeecho.common.errors import OutputError
from edgeecho.service.dicom.part10 import Part
from edgeecho.service.dicom.statuses import OUT_OF_RESOURCES, Refused


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

    part = Part(lambda: path, 10**9, meta, check_disk)
    for _ in range(4):
        part.write(bytes(1 << 20))
    assert path.exists(), "what is small is not asked about"
    for _ in range(4):
        part.write(bytes(1 << 20))
    assert not path.exists()
    with pytest.raises(Refused) as caught:
        part.finish()
    assert caught.value.status == OUT_OF_RESOURCES
