"""Pictures that are no cines are kept nowhere, and make their study known all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_net import SUCCESS, Scanner, Service, still_frame
from made_studies import studies
from objects import STILL, write_native, write_object
from pydicom.uid import ExplicitVRLittleEndian

from edgeecho.cine import DecodeLimits
from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import Job

VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"


def send(service: Service, path: Path, sop_class: str = STILL) -> list[Job]:
    """The studies that are there after it was left aside."""
    with Scanner(service.node.port, contexts=[(sop_class, ExplicitVRLittleEndian)]) as scanner:
        assert scanner.store(path) == (SUCCESS, "")
    folder = service.store.queue.file_of("x").parent
    assert list(folder.iterdir()) == []
    return studies(service.store)


def still(folder: Path, **attributes: Any) -> Path:
    return write_native(folder / "a.dcm", still_frame(), 1, SOPClassUID=STILL, **attributes)


def test_a_still_makes_its_study_known_once(serve: Any, tmp_path: Path) -> None:
    service = serve(quiet_s=600)
    (study,) = send(service, still(tmp_path))
    assert send(service, still(tmp_path)) == [study]
    assert service.store.queue.studies.left_aside(study) == ["still"]
    assert service.node.tally["left aside: still"] == 2


def test_a_picture_above_every_limit_is_left_aside_too(serve: Any, tmp_path: Path) -> None:
    """Its beginning alone is looked at."""
    service = serve(quiet_s=600, limits=DecodeLimits(megabytes=1))
    pixels = np.zeros((1, 1024, 1024, 3), np.uint8)
    path = write_native(tmp_path / "a.dcm", pixels, 1, SOPClassUID=VOLUME)
    assert path.stat().st_size > 3_000_000
    (study,) = send(service, path, VOLUME)
    assert service.store.queue.studies.left_aside(study) == ["volume"]


@pytest.mark.parametrize("attributes", [{"StudyInstanceUID": ""}, {"SeriesInstanceUID": ""}])
def test_one_whose_study_is_unknown_is_left_aside_all_the_same(
    serve: Any, tmp_path: Path, attributes: dict[str, Any]
) -> None:
    service = serve(quiet_s=600)
    assert send(service, still(tmp_path, **attributes)) == []
    assert service.node.tally["study of a picture unknown"] == 1


def test_one_that_cannot_be_noted_is_left_aside_all_the_same(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = serve(quiet_s=600)

    def full(*_: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(service.store.queue.studies, "write_draft", full)
    assert send(service, still(tmp_path)) == []
    assert service.node.tally["study of a picture unknown"] == 1


def test_what_is_no_picture_makes_no_study_known(serve: Any, tmp_path: Path) -> None:
    """Our own report, for instance, that an archive sends along."""
    service = serve(quiet_s=600)
    sop_class = "1.2.840.10008.5.1.4.1.1.88.33"
    path = write_object(tmp_path / "a.dcm", sop_class, 1, Modality="SR")
    assert send(service, path, sop_class) == []
    assert "study of a picture unknown" not in service.node.tally
