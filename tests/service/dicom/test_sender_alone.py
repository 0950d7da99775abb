"""The sender with a destination that does what the test says: when it sends, waits and gives up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_studies import due

from edgeecho.service.dicom import sender
from edgeecho.service.dicom.link import NotTakenError, UnreachableError
from edgeecho.service.dicom.sender import Sender, wait_after
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import Job, JobStore


class Target:
    """Takes reports, unless `down` or `error`."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.opened = self.aborted = 0
        self.down: list[Exception] = []
        self.error: Exception | None = None

    def __str__(self) -> str:
        return "THERE"

    @contextmanager
    def open(self) -> Iterator[Target]:
        self.opened += 1
        if self.down:
            raise self.down.pop(0)
        yield self

    def send(self, report: Path) -> None:
        if self.error:
            raise self.error
        self.got.append(report.read_bytes())

    def abort(self) -> None:
        self.aborted += 1


class Sending:
    def __init__(self, folder: Path) -> None:
        self.store, self.target, self.tally = JobStore(folder), Target(), Tally()
        self.sender = Sender(self.store.outbox, self.target, self.tally)
        self._count = 0

    def due(self, report: bytes | None = b"SR") -> Job:
        self._count += 1
        return due(self.store, self._count, report)

    def count(self, event: str) -> int:
        return self.tally.read().get(event, 0)

    def found(self, job: Job) -> Job:
        return self.store.queue.get(job.id)

    def wait(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not until():
            assert time.monotonic() < end
            time.sleep(0.002)


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Sending]:
    made = Sending(tmp_path / "state")
    yield made
    made.sender.close()
    made.store.close()


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 2), (1, 4), (2, 8), (8, 512), (9, 900), (31, 900), (5000, 900)]
)
def test_each_wait_is_twice_as_long_up_to_a_quarter_of_an_hour(
    failures: int, seconds: float
) -> None:
    assert wait_after(failures) == seconds


def test_all_that_is_due_goes_over_one_association(sending: Sending) -> None:
    jobs = [sending.due(b"1"), sending.due(b"2")]
    assert not sending.sender.alive
    sending.sender.start()
    sending.wait(lambda: sending.found(jobs[1]).delivery == "delivered")
    assert sending.sender.alive
    assert (sending.target.got, sending.target.opened) == ([b"1", b"2"], 1)
    sending.wait(lambda: sending.count("report delivered") == 2)
    assert sending.store.trail.entries(jobs[0].id)[-1].detail == {"to": "THERE"}


def test_it_is_woken_by_a_job_that_ended(sending: Sending) -> None:
    sending.sender.start()
    time.sleep(0.05)
    job = sending.due()
    begin = time.monotonic()
    sending.sender.wake()
    sending.wait(lambda: sending.found(job).delivery == "delivered")
    assert time.monotonic() - begin < 4, "it does not wait for the next look, 5 s later"


def test_a_destination_that_is_away_is_waited_for_longer_and_longer_and_begins_anew(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(sending.sender._closing, "wait", waited.append)
    sending.target.down = [UnreachableError("away")] * 3
    job = sending.due()
    sending.sender.start()
    sending.wait(lambda: sending.found(job).delivery == "delivered")
    assert waited == [2, 4, 8]
    assert sending.count("delivery failed") == 3
    assert sending.found(job).attempts == 0, "nobody refused it"
    sending.target.down = [UnreachableError("away")]
    again = sending.due()
    sending.sender.wake()
    sending.wait(lambda: sending.found(again).delivery == "delivered")
    assert waited == [2, 4, 8, 2]


def test_a_report_that_is_refused_is_put_off_and_given_up_at_the_last_attempt(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(sender, "MOST_ATTEMPTS", 3)
    monkeypatch.setattr(sender, "_IDLE_S", 0.001)
    sending.target.error = NotTakenError("status C000")
    job = sending.due()
    sending.sender.start()
    sending.wait(lambda: sending.found(job).delivery == "given-up")
    assert sending.found(job).attempts == 2
    entries = sending.store.trail.entries(job.id)
    assert [entry.event for entry in entries[-3:]] == ["not delivered", "not delivered", "given-up"]
    assert entries[-1].detail == {"reason": "status C000"}
    sending.wait(lambda: sending.count("report given-up") == 1)
    assert sending.count("delivery failed") == 3


def test_without_a_report_there_is_nothing_to_send(sending: Sending) -> None:
    job = sending.due(None)
    sending.sender.start()
    sending.wait(lambda: sending.found(job).delivery == "given-up")
    assert sending.target.got == []
    assert sending.store.trail.entries(job.id)[-1].detail == {"reason": "no report could be made"}


def test_closing_waits_3_s_for_the_report_and_3_s_for_the_thread(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[tuple[float, int]] = []
    thread = sending.sender._thread
    monkeypatch.setattr(thread, "is_alive", lambda: True)
    monkeypatch.setattr(
        thread, "join", lambda seconds: waited.append((seconds, sending.target.aborted))
    )
    sending.sender.close()
    assert waited == [(3, 0), (3, 1)]


def test_closing_ends_the_thread_and_the_association(sending: Sending) -> None:
    sending.sender.close()
    assert sending.target.aborted == 0, "it had not begun"
    other = Sender(sending.store.outbox, sending.target, sending.tally)
    other.start()
    begin = time.monotonic()
    other.close()
    assert time.monotonic() - begin < 2
    assert not other.alive
    assert sending.target.aborted == 1


def test_of_two_reports_each_is_sent_once_and_the_first_does_not_wait_for_the_second(
    sending: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FIRST_WAIT_S", 0.05)
    monkeypatch.setattr(sender, "_IDLE_S", 0.05)
    job = sending.due(None)
    sending.store.outbox.write(job.id, b"SR", b"PDF")
    whole, tries = sending.target.send, []

    def picky(report: Path) -> None:
        tries.append(report.read_bytes())
        if tries.count(b"PDF") in (1, 2) and tries[-1] == b"PDF":
            raise NotTakenError("it does not take objects of that class")
        whole(report)

    monkeypatch.setattr(sending.target, "send", picky)
    sending.sender.start()
    sending.wait(lambda: sending.found(job).delivery == "delivered")
    assert tries == [b"SR", b"PDF", b"PDF", b"PDF"]
    assert sending.target.got == [b"SR", b"PDF"]
    told = [entry.event for entry in sending.store.trail.entries(job.id)][2:]
    assert told == ["delivered in part", "not delivered", "not delivered", "delivered"]
    sending.wait(lambda: not sending.store.outbox.reports_of(job.id))
