"""Reports reach their destination once, however long nobody takes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dicom_net import Archive, Scanner, Service, write_cine

from edgeecho.common.errors import OutputError
from edgeecho.service.dicom import Destination, sender
from edgeecho.service.dicom.sender import FIRST_WAIT_S, LONGEST_WAIT_S, MOST_ATTEMPTS, wait_after
from edgeecho.service.jobs import Job

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "FIRST_WAIT_S", 0.2)
    monkeypatch.setattr(sender, "_IDLE_S", 0.2)


@pytest.fixture
def archive() -> Iterator[Archive]:
    archive = Archive().up()
    yield archive
    archive.down()


def store_one(service: Service, folder: Path, number: int = 1, **attributes: Any) -> Job:
    path = write_cine(folder / f"{number}.dcm", number, **attributes)
    with Scanner(service.node.port) as scanner:
        assert scanner.store(path) == (0, "")
    return service.study_of(service.store.queue.latest(1)[0])


def events(service: Service, job: Job) -> list[str]:
    return [entry.event for entry in service.store.trail.entries(job.id)]


def test_waits_grow_to_a_quarter_of_an_hour() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sender, "FIRST_WAIT_S", FIRST_WAIT_S)
        waits = [wait_after(n) for n in range(MOST_ATTEMPTS - 1)]
    assert waits[:4] == [2, 4, 8, 16]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT_S == 900
    assert 22 < sum(waits) / 3600 < 26, "about a day, as the docs say"


def test_a_report_is_sent_once(serve: Any, archive: Archive, tmp_path: Path) -> None:
    service = serve(archive.destination)
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "delivered")
    time.sleep(0.5)
    (report,) = archive.got
    assert report.PatientName == "Secret^Patient", "the archive knows whose it is"
    assert not service.store.outbox.reports_of(job.id)
    assert events(service, job)[-1] == "delivered"
    to = f"ARCHIVE@127.0.0.1:{archive.port}"
    assert service.store.trail.entries(job.id)[-1].detail == {"to": to}
    assert service.node.tally["report delivered"] == 1


def test_a_destination_that_is_down_gets_it_when_it_is_up(
    serve: Any, archive: Archive, tmp_path: Path
) -> None:
    archive.down()
    service = serve(archive.destination)
    jobs = [store_one(service, tmp_path, n) for n in range(1, 4)]
    service.wait(lambda: all(service.store.queue.get(job.id).ended for job in jobs))
    service.wait(lambda: service.node.tally.get("delivery failed", 0) >= 2)
    assert {service.store.queue.get(job.id).delivery for job in jobs} == {"due"}
    # Videos do not wait for the archive.
    service.wait(lambda: not list(service.store.queue.file_of("x").parent.iterdir()))
    archive.up()
    service.wait(lambda: all(service.store.queue.get(j.id).delivery == "delivered" for j in jobs))
    assert len({report.SOPInstanceUID for report in archive.got}) == len(archive.got) == 3
    assert "not delivered" not in events(service, jobs[0]), "the trail does not grow meanwhile"


def test_what_was_due_is_sent_after_a_restart(serve: Any, archive: Archive, tmp_path: Path) -> None:
    archive.down()
    service = serve(archive.destination)
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).ended)
    service.close()
    archive.up()
    again = serve(archive.destination)
    again.wait(lambda: again.store.queue.get(job.id).delivery == "delivered")
    assert len(archive.got) == 1


def test_a_report_that_is_not_taken_is_tried_less_and_less_and_does_not_hold_up_others(
    serve: Any, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "MOST_ATTEMPTS", 3)
    service = serve(archive.destination)
    archive.status = 0xC000
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).attempts == 1)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "given-up")
    first, second = archive.times[1] - archive.times[0], archive.times[2] - archive.times[1]
    assert first >= 0.2
    assert second >= 0.4
    assert events(service, job)[-3:] == ["not delivered", "not delivered", "given-up"]
    assert service.store.trail.entries(job.id)[-1].detail == {"reason": "status C000"}
    archive.status = 0
    other = store_one(service, tmp_path, 2)
    service.wait(lambda: service.store.queue.get(other.id).delivery == "delivered")


def test_a_destination_with_another_title_is_tried_again(
    serve: Any, archive: Archive, tmp_path: Path
) -> None:
    from dataclasses import replace

    service = serve(replace(archive.destination, ae_title="SOMEBODY"))
    job = store_one(service, tmp_path)
    service.wait(lambda: service.node.tally.get("delivery failed", 0) >= 2)
    assert service.store.queue.get(job.id).delivery == "due"
    assert not archive.got


def test_a_host_that_nobody_knows_is_tried_again(serve: Any, tmp_path: Path) -> None:
    service = serve(Destination("ARCHIVE", "archive.invalid", 104))
    store_one(service, tmp_path)
    service.wait(lambda: service.node.tally.get("delivery failed", 0) >= 2)
    assert service.node.alive


@pytest.mark.parametrize("folder", [True, False])
def test_a_damaged_report_does_not_hold_up_others(
    serve: Any, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: bool
) -> None:
    monkeypatch.setattr(sender, "MOST_ATTEMPTS", 1)
    service = serve(tmp_path / "results" if folder else archive.destination)
    write = service.store.outbox.write
    monkeypatch.setattr(service.store.outbox, "write", lambda job, *_: write(job, b"nothing"))
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "given-up")
    monkeypatch.setattr(service.store.outbox, "write", write)
    other = store_one(service, tmp_path, 2)
    service.wait(lambda: service.store.queue.get(other.id).delivery == "delivered")


def test_reports_in_a_folder(serve: Any, tmp_path: Path) -> None:
    service = serve(tmp_path / "results")
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "delivered")
    (path,) = (tmp_path / "results").iterdir()
    assert path.suffix == ".dcm"
    assert path.stem not in ("1", job.id)
    assert "498.7.1" not in path.name, "the source's UID leads to the patient"


def test_a_folder_that_cannot_be_written_is_tried_again(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results").write_text("a file")
    service = serve(tmp_path / "results")
    job = store_one(service, tmp_path)
    service.wait(lambda: service.node.tally.get("delivery failed", 0) >= 1)
    (tmp_path / "results").unlink()
    service.wait(lambda: service.store.queue.get(job.id).delivery == "delivered")


def test_without_a_report_delivery_is_given_up(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("Secret^Patient is no name")

    monkeypatch.setattr("edgeecho.service.dicom.reports.to_study_sr", fail)
    service = serve()
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "given-up")
    assert service.store.queue.get(job.id).status in ("answered", "refused")
    assert service.store.trail.entries(job.id)[-1].detail == {"reason": "no report could be made"}


def test_a_full_disk_delays_the_end_and_loses_nothing(
    serve: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.service.jobs.room._WAIT_S", 0.1)
    service = serve()
    write, tries = service.store.outbox.write, []

    def full(job_id: str, *content: Any) -> None:
        tries.append(job_id)
        if len(tries) < 3:
            raise OutputError("no space left on device")
        write(job_id, *content)

    monkeypatch.setattr(service.store.outbox, "write", full)
    job = store_one(service, tmp_path)
    service.wait(lambda: service.store.queue.get(job.id).delivery == "delivered")
    assert len(tries) == 3
