"""Whole studies are taken: cines are answered, and all that is none is left aside with success."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from dcmtk import find_tool
from dicom_net import (
    COMPREHENSIVE_SR,
    SUCCESS,
    US_MULTIFRAME,
    Scanner,
    Service,
    bare,
    still_frame,
    write_cine,
)
from media import phantom_frames
from objects import STILL, write_native, write_object
from orthanc import Orthanc
from pydicom.tag import Tag
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
)
from pynetdicom import AllStoragePresentationContexts

from edgeecho.cine.dicom.kind import CINES

RETIRED_STILL = "1.2.840.10008.5.1.4.1.1.6"
PDF = "1.2.840.10008.5.1.4.1.1.104.1"
RETIRED_CURVES = "1.2.840.10008.5.1.4.1.1.9"
# GE's, from its conformance statements.
PRIVATE = "1.2.840.113619.4.30"
MULTIFRAME_CAPTURE = "1.2.840.10008.5.1.4.1.1.7.4"
NO_STORAGE = {"storage commitment": "1.2.840.10008.1.20.1", "worklist": "1.2.840.10008.5.1.4.31"}


def write_study(folder: Path, number: int) -> dict[str, Path]:
    """A cine, two stills, a report, a PDF, and what a maker has of its own."""
    folder.mkdir()
    cine = phantom_frames()[:70]
    pdf = {"EncapsulatedDocument": b"%PDF-1.4 "}
    return {
        "cine": write_native(folder / "1.dcm", cine, number, FrameTime=20),
        "still": write_native(folder / "2.dcm", still_frame(), number + 1, SOPClassUID=STILL),
        "report": write_object(folder / "3.dcm", COMPREHENSIVE_SR, number + 2, Modality="SR"),
        "pdf": write_object(folder / "4.dcm", PDF, number + 3, **pdf),
        "private": write_object(folder / "5.dcm", PRIVATE, number + 4),
        "one frame": write_native(folder / "6.dcm", still_frame(), number + 5),
    }


def taken(service: Service) -> Counter[str]:
    return Counter({k: v for k, v in service.node.tally.items() if k.startswith(("left", "obj"))})


def files_of(service: Service) -> list[Path]:
    return list(service.store.queue.file_of("x").parent.iterdir())


STORED = [str(context.abstract_syntax) for context in AllStoragePresentationContexts]


@pytest.mark.parametrize("classes", [STORED[:85], STORED[85:]])
def test_every_class_that_is_stored_is_negotiated(service: Service, classes: list[str]) -> None:
    assert 80 < len(classes) < 128, "as many as an association may offer"
    contexts = [(uid, JPEGBaseline8Bit if uid in CINES else PRIVATE) for uid in classes]
    with Scanner(service.node.port, contexts=contexts) as scanner:
        assert not scanner.association.rejected_contexts


def test_all_but_cines_is_left_aside_and_kept_nowhere(beside: Any, tmp_path: Path) -> None:
    service = beside()
    classes = [STILL, RETIRED_STILL, COMPREHENSIVE_SR, PDF, RETIRED_CURVES, PRIVATE, "2.25.1"]
    contexts = [(uid, ExplicitVRLittleEndian) for uid in classes]
    before = service.store.queue.latest(1000)
    with Scanner(service.node.port, contexts=contexts) as scanner:
        for number, uid in enumerate(classes):
            path = write_object(tmp_path / "a.dcm", uid, number)
            assert scanner.store(path) == (SUCCESS, ""), uid
    assert taken(service) == {
        "left aside: still": 2,
        "left aside: structured report": 1,
        "left aside: Encapsulated PDF Storage object": 1,
        "left aside: Standalone Curve Storage object": 1,
        "left aside: object of an unknown class": 2,
    }
    assert service.store.queue.latest(1000) == before
    assert not [path for path in files_of(service) if path.suffix == ".part"]


@pytest.mark.parametrize("name", NO_STORAGE)
def test_what_is_no_storage_is_not_negotiated(service: Service, name: str) -> None:
    uid = NO_STORAGE[name]
    with Scanner(service.node.port, contexts=[(uid, ImplicitVRLittleEndian)]) as scanner:
        assert [c.abstract_syntax for c in scanner.association.rejected_contexts] == [uid]


def test_objects_that_are_left_aside_come_in_any_transfer_syntax(
    service: Service, tmp_path: Path
) -> None:
    """Each in a context of its own, as Orthanc offers them; a cine's must be readable."""
    private = "1.2.840.113619.5.2"
    contexts = [(STILL, private), (STILL, JPEGLSLossless), (US_MULTIFRAME, private)]
    with Scanner(service.node.port, contexts=contexts) as scanner:
        rejected = [c.abstract_syntax for c in scanner.association.rejected_contexts]
        assert rejected == [US_MULTIFRAME]
        path = write_object(tmp_path / "a.dcm", STILL, 310, syntax=private)
        assert scanner.store(path) == (SUCCESS, "")


@pytest.mark.parametrize(
    ("number", "attributes", "noun"),
    [
        (71, {"Modality": "IVUS"}, "intravascular cine"),
        (72, {"FrameIncrementPointer": Tag("SliceLocationVector")}, "slice or view stack"),
        (73, {"frames": 1}, "still"),
        (74, {"frames": 1, "StudyInstanceUID": None}, "still"),
    ],
)
def test_what_says_that_it_is_no_cine_is_left_aside_as_in_a_folder(
    beside: Any, tmp_path: Path, number: int, attributes: dict[str, Any], noun: str
) -> None:
    service = beside()
    before = len(service.store.queue.latest(1000))
    with Scanner(service.node.port) as scanner:
        path = write_cine(tmp_path / "a.dcm", number, **attributes)
        assert scanner.store(path) == (SUCCESS, "")
    assert taken(service) == {f"left aside: {noun}": 1}
    assert len(service.store.queue.latest(1000)) == before


def test_a_class_that_was_not_agreed_on_is_no_way_in(service: Service, tmp_path: Path) -> None:
    """Both ways: what is left aside is not kept, and what is kept must be what it says."""
    before = len(service.store.queue.latest(1000))
    path = write_cine(tmp_path / "a.dcm", 43, SOPClassUID=STILL)
    _, instance, syntax, data = bare(path)
    with Scanner(service.node.port) as scanner:
        scanner.store_bytes(data, US_MULTIFRAME, instance, syntax, claimed=STILL)
        status, _ = scanner.store_bytes(data, US_MULTIFRAME, instance, syntax)
        assert status == 0xA900
    assert len(service.store.queue.latest(1000)) == before


@pytest.mark.parametrize(
    ("number", "attributes", "status", "refused_by"),
    [
        (320, {"FrameTime": 20}, "answered", []),
        (321, {}, "refused", ["unknown-rate"]),
    ],
)
def test_a_secondary_capture_is_answered_as_a_file_is(
    service: Service,
    tmp_path: Path,
    number: int,
    attributes: dict[str, Any],
    status: str,
    refused_by: list[str],
) -> None:
    given = {"SOPClassUID": MULTIFRAME_CAPTURE, "Modality": "OT", **attributes}
    path = write_native(tmp_path / "a.dcm", phantom_frames()[:70], number, **given)
    contexts = [(MULTIFRAME_CAPTURE, ExplicitVRLittleEndian)]
    with Scanner(service.node.port, contexts=contexts) as scanner:
        assert scanner.store(path) == (SUCCESS, "")
    (job,) = service.store.queue.latest(1)
    service.wait(lambda: service.store.queue.get(job.id).ended)
    ended = service.store.queue.get(job.id)
    assert ended.status == status, ended.error
    assert ended.document is not None
    assert [r["gate"] for r in ended.document["results"][0]["refusals"]] == refused_by


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["-xy"], ["-R"]])
def test_storescu_sends_a_whole_folder(beside: Any, tmp_path: Path, options: list[str]) -> None:
    service = beside()
    files = write_study(tmp_path / "study", 410 + 10 * len("".join(options)))
    files.pop("private").unlink()  # dcmtk itself does not offer a class that it does not know
    before = len(service.store.queue.latest(1000))
    command = [find_tool("storescu"), "-v", *options, "-aec", "EDGEECHO", "127.0.0.1"]
    sent = subprocess.run(
        [*command, str(service.node.port), *map(str, files.values())],
        capture_output=True,
        text=True,
    )
    said = sent.stdout + sent.stderr
    assert (sent.returncode, said.count("Received Store Response (Success)")) == (0, 5), said
    assert taken(service)["object stored"] == 1
    assert len(service.store.queue.latest(1000)) == before + 1


@pytest.mark.slow
def test_orthanc_pushes_a_whole_study(beside: Any, tmp_path: Path) -> None:
    """Before, HTTP 500: a report was not negotiated, and it stopped at the first still."""
    service = beside()
    before = len(service.store.queue.latest(1000))
    orthanc = Orthanc(tmp_path / "orthanc", service.node.port)
    try:
        (study,) = {orthanc.upload(path) for path in write_study(tmp_path / "study", 400).values()}
        answer = orthanc.push(study)
    finally:
        orthanc.close()
    assert answer.status_code == 200, answer.text
    assert (answer.json()["InstancesCount"], answer.json()["FailedInstancesCount"]) == (6, 0)
    assert taken(service) == {
        "object stored": 1,
        "left aside: still": 2,
        "left aside: structured report": 1,
        "left aside: Encapsulated PDF Storage object": 1,
        "left aside: object of an unknown class": 1,
    }
    assert len(service.store.queue.latest(1000)) == before + 1
