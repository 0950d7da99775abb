"""The runner with an engine that does what the test says: order, progress, cancelling, the end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edgeecho.common.errors import ModelError, OutputError
from edgeecho.results import Failure, Outcome
from edgeecho.service.jobs import Ending, Job, JobStore, Progress, Runner
from edgeecho.service.jobs.process import Stopped
from edgeecho.service.jobs.queue import MOST_TRIES


class Engine:
    """Waits for `go` with each file; then it fails with the text that the file holds."""

    def __init__(self) -> None:
        self.go, self.begun = threading.Semaphore(0), threading.Semaphore(0)
        self.calls: list[dict[str, Any]] = []
        self.started = self.closed = 0
        self.error: Exception | None = None

    def start(self, stop: threading.Event | None = None) -> None:
        self.started += 1

    def answer(self, file: Path, **given: Any) -> Outcome:
        self.calls.append({"file": file, **given})
        given["on_progress"](Progress("engine", 2, 5))
        self.begun.release()
        while not self.go.acquire(timeout=0.01):
            if given["stop"].is_set():
                raise Stopped
        if given["stop"].is_set():  # it goes for the next one
            self.go.release()
            raise Stopped
        if self.error:
            raise self.error
        return Outcome(given["name"], Failure(file.read_text(), 3))

    def close(self) -> None:
        self.closed += 1


class Service:
    def __init__(self, folder: Path) -> None:
        self.store, self.engine = JobStore(folder), Engine()
        self.ended: list[tuple[str, str, bool]] = []
        self.changed: list[str] = []
        self.runner = Runner(
            self.store.queue,
            self.engine,  # type: ignore[arg-type]
            limit_s=7.5,
            on_end=lambda job, outcome: self.ended.append((job.id, job.status, bool(outcome))),
            on_change=self.changed.append,
        )

    def give(self, content: str = "no video") -> Job:
        part = self.store.queue.new_file()
        part.write_text(content)
        return self.store.queue.accept(part, "upload")

    def status(self, job: Job) -> str:
        return self.store.queue.get(job.id).status

    def begun(self) -> None:
        assert self.engine.begun.acquire(timeout=30)

    def wait(self, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not until():
            assert time.monotonic() < end
            time.sleep(0.002)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path / "state")
    yield made
    made.runner.close()
    made.store.close()


def test_one_after_the_other_each_with_its_file_name_and_limit(service: Service) -> None:
    first, second = service.give("one"), service.give("two")
    assert not service.runner.alive
    service.runner.start()
    assert service.engine.started == 1
    service.begun()
    assert (service.status(first), service.status(second)) == ("running", "queued")
    assert service.runner.alive
    service.engine.go.release(2)
    service.wait(lambda: len(service.ended) == 2)
    assert service.ended == [(first.id, "failed", True), (second.id, "failed", True)]
    assert [service.store.queue.get(job.id).error for job in (first, second)] == ["one", "two"]
    for call, job in zip(service.engine.calls, (first, second), strict=True):
        assert (call["file"], call["name"]) == (service.store.queue.file_of(job.id), job.id)
        assert call["limit_s"] == 7.5
    # Begun, and one step of progress, of each.
    assert service.changed == [first.id] * 2 + [second.id] * 2


def test_a_job_that_comes_later_wakes_it(service: Service) -> None:
    service.runner.start()
    time.sleep(0.05)
    job = service.give()
    service.engine.go.release()
    service.runner.wake(job.id)
    begin = time.monotonic()
    service.wait(lambda: bool(service.ended))
    assert time.monotonic() - begin < 4, "it does not wait for the next look, 5 s later"
    assert service.changed[0] == job.id


def test_progress_is_that_of_the_running_job_alone(service: Service) -> None:
    running, waiting = service.give(), service.give()
    assert service.runner.progress(running.id) is None
    service.runner.start()
    service.begun()
    assert service.runner.progress(running.id) == Progress("engine", 2, 5)
    assert service.runner.progress(waiting.id) is None
    service.engine.go.release(2)
    service.wait(lambda: len(service.ended) == 2)
    service.wait(lambda: service.runner.progress(waiting.id) is None)


def test_cancelling_stops_the_running_job_and_no_other(service: Service) -> None:
    running, waiting = service.give(), service.give()
    service.runner.start()
    service.begun()
    assert service.runner.cancel(waiting.id).status == "cancelled"
    assert not service.engine.calls[0]["stop"].is_set()
    assert service.runner.cancel(running.id).status == "cancelled"
    assert service.engine.calls[0]["stop"].is_set()
    assert service.ended == [(waiting.id, "cancelled", False), (running.id, "cancelled", False)]
    assert service.runner.cancel(running.id).status == "cancelled"
    assert len(service.ended) == 2, "it had ended, and is not told again"
    after = service.give()
    service.engine.go.release()
    service.runner.wake(after.id)
    service.wait(lambda: service.status(after) == "failed")
    assert service.status(running) == "cancelled"


def test_closing_stops_the_running_job_which_waits_again(service: Service) -> None:
    job = service.give()
    service.runner.start()
    service.begun()
    service.runner.close()
    assert service.engine.closed == 1
    assert not service.runner.alive
    found = service.store.queue.get(job.id)
    assert (found.status, found.tries, found.started) == ("queued", 0, None)
    assert service.ended == []


def test_a_job_that_was_begun_four_times_is_given_up_unanswered(service: Service) -> None:
    assert MOST_TRIES == 4
    often, last = service.give(), service.give()
    db = service.store._db
    with db.changing() as connection:
        connection.execute("UPDATE job SET tries = 4 WHERE id = ?", (often.id,))
        connection.execute("UPDATE job SET tries = 3 WHERE id = ?", (last.id,))
    service.engine.go.release()
    service.runner.start()
    service.wait(lambda: len(service.ended) == 2)
    assert [call["name"] for call in service.engine.calls] == [last.id]
    assert "the service ended each time" in (service.store.queue.get(often.id).error or "")


def test_a_model_that_is_lost_ends_the_runner_and_no_job(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    job = service.give()
    service.engine.error = ModelError("it is gone")
    service.engine.go.release()
    service.runner.start()
    service.wait(lambda: not service.runner.alive)
    assert service.status(job) == "queued"
    assert capsys.readouterr().err == "studies are not answered any more: it is gone\n"


def test_what_comes_before_the_end_is_done_before_it_and_again_if_it_fails(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.service.jobs.room._WAIT_S", 0.01)
    seen: list[tuple[str, str, bool]] = []

    def write(job: Job, outcome: Outcome) -> None:
        seen.append((service.status(job), outcome.status, service.runner.waits_for_disk))
        if len(seen) < 3:
            raise OutputError("the disk is full")

    service.runner.answer_studies(
        draft=write, answer=lambda _study: Ending("cancelled"), on_end=lambda: None
    )
    job = service.give()
    service.engine.go.release()
    assert not service.runner.waits_for_disk
    service.runner.start()
    service.wait(lambda: bool(service.ended))
    assert seen == [
        ("running", "error", False),
        ("running", "error", True),
        ("running", "error", True),
    ]
    assert service.ended == [(job.id, "failed", True)]
    assert not service.runner.waits_for_disk
    assert len(service.engine.calls) == 1, "it is not answered again"
