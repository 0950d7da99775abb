"""What is accepted or answered is on the disk; what a full disk does not take leaves nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flushed import spy_on_the_disk

from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import JobStore
from edgeecho.service.jobs.database import output_errors

LONG = "x" * 1_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "state")
    yield store
    store.close()


def write_part(store: JobStore) -> Path:
    part = store.queue.new_file()
    part.write_bytes(b"video")
    return part


def fill_the_disk(store: JobStore) -> None:
    """As if there were no room for another page of the database."""
    ((pages,),) = store._db.rows("PRAGMA page_count")
    store._db.rows(f"PRAGMA max_page_count = {pages}")


def test_a_file_and_its_name_are_on_the_disk_before_its_job_is_noted(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = write_part(store)
    seen = spy_on_the_disk(monkeypatch)
    trail_add = store.trail.add
    monkeypatch.setattr(
        store.trail, "add", lambda *entry: (seen.append("the job"), trail_add(*entry))
    )
    job = store.queue.accept(part, "upload")
    assert seen == [b"video", store.queue.file_of(job.id), [job.id], "the job"]


def test_a_commit_is_on_the_disk_whatever_sqlites_default_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def careless(*args: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*args, **options)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    monkeypatch.setattr(sqlite3, "connect", careless)
    store = JobStore(tmp_path / "state")
    assert store._db.rows("PRAGMA synchronous")[0][0] == 2, "FULL: the log is flushed"
    assert store._db.rows("PRAGMA journal_mode")[0][0] == "wal"
    store.close()


def test_a_report_is_on_the_disk_before_its_job_ends(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.queue.accept(write_part(store), "dicom")
    seen = spy_on_the_disk(monkeypatch)
    store.outbox.write(job.id, b"SR")
    assert seen[:2] == [b"SR", *store.outbox.reports_of(job.id)]
    assert [job.id] in seen[2:]


def test_a_file_that_is_set_aside_is_on_the_disk_under_its_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JobStore(tmp_path / "state")
    job = store.queue.accept(write_part(store), "upload")
    store.close()
    (tmp_path / "state" / "jobs.sqlite").write_bytes(b"")
    seen = spy_on_the_disk(monkeypatch)
    JobStore(tmp_path / "state").close()
    assert seen == [tmp_path / "state" / "unknown" / "files" / job.id, [job.id]]


def test_a_job_that_cannot_be_noted_leaves_no_file(store: JobStore) -> None:
    fill_the_disk(store)
    with pytest.raises(OutputError, match="database or disk is full"):
        for _ in range(90):  # until the pages that there are have no place for another
            part = write_part(store)
            store.queue.accept(part, "upload")
    known = {job.id for job in store.queue.latest(100)}
    assert {path.name for path in part.parent.iterdir()} == known


def test_an_answer_that_the_disk_does_not_take_is_given_once_it_does(store: JobStore) -> None:
    job = store.queue.accept(write_part(store), "upload")
    store.queue.begin_next()
    fill_the_disk(store)
    with pytest.raises(OutputError, match="cannot be written: database or disk is full") as full:
        store.queue.end(job.id, "failed", error=LONG, exit_code=3)
    assert "\n" not in str(full.value)
    assert store.queue.get(job.id).status == "running"
    assert store.queue.file_of(job.id).read_bytes() == b"video"
    assert [entry.event for entry in store.trail.entries(job.id)] == ["received"]
    store._db.rows("PRAGMA max_page_count = 100000")
    assert store.queue.end(job.id, "failed", error=LONG, exit_code=3)
    assert store.queue.get(job.id).status == "failed"


def test_a_disk_that_became_read_only_is_one_line(store: JobStore) -> None:
    job = store.queue.accept(write_part(store), "upload")
    store._db.rows("PRAGMA query_only = ON")
    with pytest.raises(OutputError, match="cannot be written: attempt to write a readonly"):
        store.queue.end(job.id, "cancelled")
    assert store.queue.get(job.id).status == "queued"


@pytest.mark.parametrize(
    "message",
    [
        "database or disk is full",
        "disk I/O error",
        "attempt to write a readonly database",
        "unable to open database file",
    ],
)
def test_what_sqlite_says_of_the_disk_is_not_a_bug(tmp_path: Path, message: str) -> None:
    with (
        pytest.raises(OutputError, match=f"{tmp_path} cannot be written: {message}"),
        output_errors(tmp_path),
    ):
        raise sqlite3.OperationalError(message)
    with pytest.raises(sqlite3.OperationalError, match="no such table"), output_errors(tmp_path):
        raise sqlite3.OperationalError("no such table: job")
