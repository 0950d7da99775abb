"""The service itself: killed, stopped, started twice, and with an engine that dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from processes import wait
from served import PHANTOMS, Process

from edgeecho.service.jobs import JobStore
from edgeecho.service.jobs.audit import first_broken

pytestmark = pytest.mark.slow

VIDEO = PHANTOMS[0].read_bytes()


def test_the_engine_killed_in_the_middle_costs_one_job(tmp_path: Path) -> None:
    service = Process(tmp_path / "state")
    engine = service.hold()
    with service.client() as client:
        jobs = [client.post_file(VIDEO) for _ in range(3)]
        wait(lambda: client.job(jobs[0]["id"])["status"] == "running")
        os.kill(engine, signal.SIGKILL)
        ended = [client.ended(job["id"]) for job in jobs]
    assert sum(job["status"] == "failed" for job in ended) <= 1
    assert all(job["status"] in ("answered", "refused") for job in ended[1:])
    assert service.stop() == 0


def test_killed_between_receipt_and_answer_each_is_answered_once(tmp_path: Path) -> None:
    state = tmp_path / "state"
    service = Process(state)
    with service.client() as client:
        before = client.post_file(VIDEO)["id"]
        client.ended(before)
        engine = service.hold()
        given = [before, *(client.post_file(file.read_bytes())["id"] for file in PHANTOMS[:3])]
        wait(lambda: any(client.job(job)["status"] == "running" for job in given))
    service.stop(signal.SIGKILL)
    os.kill(engine, signal.SIGCONT)
    wait(lambda: is_gone(engine))
    again = Process(state, "--clips", "center")
    with again.client() as client:
        ended = [client.ended(job) for job in given]
        assert len(client.get("/api/v1/jobs").json()["jobs"]) == 4
        for job in ended:
            assert job["status"] in ("answered", "refused")
            trail = client.get(f"/api/v1/jobs/{job['id']}/trail").json()["entries"]
            assert [entry["event"] for entry in trail] == ["received", job["status"]]
    assert again.stop() == 0
    store = JobStore(state)
    assert first_broken(store.trail.entries()) is None
    store.close()
    assert list((state / "files").iterdir()) == []


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() == b""  # a zombie
    except OSError:
        return True


def test_a_signal_ends_it_while_streams_are_open_and_a_job_runs(tmp_path: Path) -> None:
    service = Process(tmp_path / "state")
    service.hold()
    with service.client() as client:
        jobs = [client.post_file(VIDEO)["id"] for _ in range(5)]
        wait(lambda: client.job(jobs[0])["status"] != "queued")
        with client.stream("GET", "/api/v1/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: job"
            begin = time.monotonic()
            assert service.stop() == 0
            assert time.monotonic() - begin < 8
    assert "Traceback" not in service.words
    store = JobStore(tmp_path / "state")
    left = [store.queue.get(job) for job in jobs]
    assert any(job.status == "queued" for job in left)
    assert all(job.tries == 0 for job in left if job.status == "queued"), "it costs no try"
    store.close()


def change_trail(state: Path, change: str) -> None:
    """As somebody with the file would, behind the service's back."""
    db = sqlite3.connect(state / "jobs.sqlite")
    db.execute("DROP TRIGGER audit_is_never_changed")
    db.execute(f"UPDATE audit SET {change}")
    db.commit()
    db.close()


def test_a_trail_that_was_changed_is_said_at_the_start(
    start: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    service = start()
    with service.client() as client:
        client.ended(client.post_file(b"no video")["id"])
    service.stop()
    assert "trail" not in capsys.readouterr().err
    change_trail(service.state, "event = 'answered' WHERE number = 2")
    again = Process(service.state)
    assert "entry 2 is not as it was written" in again.words
    assert again.stop() == 0


def test_an_entry_that_is_none_is_said_and_shown(start: Any) -> None:
    service = start()
    with service.client() as client:
        job = client.ended(client.post_file(VIDEO)["id"])["id"]
        said = client.post(f"/api/v1/jobs/{job}/review", json={"decision": "accepted"})
        assert said.status_code == 200
    service.stop()
    change_trail(service.state, "detail = 'x' WHERE number = 3")
    again = Process(service.state)
    assert "entry 3 is not as it was written" in again.words
    with again.client() as client:
        entries = client.get(f"/api/v1/jobs/{job}/trail").json()["entries"]
        assert [entry["broken"] for entry in entries] == [False, False, True]
        assert entries[2]["detail"] == {"changed": "x"}
        assert client.job(job)["review"]["decision"] == "accepted"
        assert client.get("/api/v1/jobs").json()["jobs"][0]["id"] == job
    assert again.stop() == 0
    assert "Traceback" not in again.words


def test_two_services_do_not_share_a_folder_or_a_port(edgeecho: Any, tmp_path: Path) -> None:
    service = Process(tmp_path / "state")
    for words, reason in (
        (["--state", tmp_path / "state", "--port", 0], "is used by another process"),
        (
            ["--state", tmp_path / "other", "--port", service.port],
            "choose another --host or --port",
        ),
    ):
        done = edgeecho("serve", *words)
        assert done.returncode == 2
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    assert service.stop() == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_service_that_answers_no_more_ends(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    service = start()

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(service.store.queue, "begin_next", broken)
    service.service.runner.wake("nobody's")
    wait(lambda: not service.running)
