"""Jobs on disk: nothing that was accepted is lost, doubled or changed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_studies import begin_study, due, give_clip

from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import LONGEST_WAIT_S, Job, JobStore, KeyUsedError, QueueFullError
from edgeecho.service.jobs.audit import first_broken
from edgeecho.service.jobs.queue import MOST_TRIES

DOCUMENT: dict[str, Any] = {
    "edgeecho": "0.1.0",
    "model": {"name": "m", "version": "1", "sha256": "0", "preprocess_sha256": "1"},
    "results": [{"ef": 55.5, "refusals": []}],
}


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(tmp_path / "state")


def give(store: JobStore, content: bytes = b"video", **options: Any) -> Job:
    part = store.queue.new_file()
    part.write_bytes(content)
    return store.queue.accept(part, "upload", **options)


def test_jobs_are_begun_in_the_order_in_which_they_came(store: JobStore) -> None:
    given = [give(store, bytes([n])) for n in range(5)]
    assert [job.status for job in given] == ["queued"] * 5
    assert store.queue.waiting() == [job.id for job in given]
    begun = []
    while job := store.queue.begin_next():
        begun.append(job.id)
    assert begun == [job.id for job in given]
    assert store.queue.count("running") == 5
    assert [job.id for job in store.queue.latest(3)] == begun[:1:-1]
    assert [job.id for job in store.queue.latest(9, before=given[2].received)] == begun[1::-1]


def test_the_file_is_there_until_the_job_has_ended(store: JobStore) -> None:
    job = give(store, b"pixels")
    assert store.queue.file_of(job.id).read_bytes() == b"pixels"
    assert (job.size, job.sha256) == (6, hashlib.sha256(b"pixels").hexdigest())
    store.queue.begin_next()
    assert store.queue.end(job.id, "answered", document=DOCUMENT)
    assert not store.queue.file_of(job.id).exists()
    ended = store.queue.get(job.id)
    assert (ended.status, ended.document) == ("answered", DOCUMENT)
    assert ended.ended
    assert ended.finished is not None


def test_files_are_kept_where_that_was_asked_for(tmp_path: Path) -> None:
    store = JobStore(tmp_path, keep_files=True)
    job = give(store)
    store.queue.end(job.id, "failed", error="no", exit_code=3)
    store.close()
    assert JobStore(tmp_path, keep_files=True).queue.file_of(job.id).exists()


def test_a_job_ends_once(store: JobStore) -> None:
    job = give(store)
    assert store.queue.end(job.id, "cancelled")
    assert not store.queue.end(job.id, "answered", document=DOCUMENT)
    assert store.queue.get(job.id).status == "cancelled"
    assert [entry.event for entry in store.trail.entries(job.id)] == ["received", "cancelled"]


def test_the_trail_says_why_a_job_failed(store: JobStore) -> None:
    job = give(store)
    store.queue.end(job.id, "failed", error="no video", exit_code=3)
    last = store.trail.entries(job.id)[-1]
    assert (last.event, last.detail) == ("failed", {"error": "no video"})


def test_the_same_object_is_one_job(store: JobStore) -> None:
    first = give(store, b"one", key="1.2.3")
    again = give(store, b"one", key="1.2.3")
    other = give(store, b"one", key="1.2.4")
    assert again.id == first.id != other.id
    assert store.queue.count("queued") == 2
    assert len(list(store.queue.file_of(first.id).parent.iterdir())) == 2


def test_a_key_of_an_upload_is_not_anothers(store: JobStore) -> None:
    """Or a client that counts from 1 again would read one patient's EF as another's."""
    first = give(store, b"one", key="17")
    with pytest.raises(KeyUsedError, match="take a new one"):
        give(store, b"two", key="17")
    assert [job.id for job in store.queue.latest(9)] == [first.id]
    assert len(list(store.queue.file_of(first.id).parent.iterdir())) == 1


def test_what_was_cancelled_may_be_sent_again(store: JobStore) -> None:
    first = give(store, b"one", key="1.2.3")
    store.queue.end(first.id, "cancelled")
    again = give(store, b"one", key="1.2.3")
    assert again.id != first.id
    assert again.status == "queued"


def test_unfinished_jobs_are_counted_by_where_they_came_from(store: JobStore) -> None:
    first = give(store)
    give(store)
    assert (store.queue.unfinished("upload"), store.queue.unfinished("dicom")) == (2, 0)
    store.queue.begin_next()
    assert store.queue.unfinished("upload") == 2
    store.queue.end(first.id, "answered", document=DOCUMENT)
    assert store.queue.unfinished("upload") == 1


def test_only_its_owner_reads_the_database(store: JobStore, tmp_path: Path) -> None:
    for file in (tmp_path / "state").glob("jobs.sqlite*"):
        assert file.stat().st_mode & 0o077 == 0


def test_the_queue_is_bounded(tmp_path: Path) -> None:
    store = JobStore(tmp_path, most_waiting=2)
    for _ in range(2):
        store.queue.room.check()
        give(store)
    with pytest.raises(QueueFullError) as full:
        store.queue.room.check(typical_s=7)
    assert full.value.retry_after_s == 7
    store.queue.begin_next()
    store.queue.room.check()


def test_after_a_crash_what_was_running_waits_at_its_old_place(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    first, second = give(store, b"1"), give(store, b"2")
    store.queue.begin_next()
    half = store.queue.new_file()
    half.write_bytes(b"half an upload")
    store.close()  # as a crash would: nothing is tidied

    store = JobStore(tmp_path)
    assert not half.exists()
    assert [job.status for job in store.queue.latest(9)] == ["queued", "queued"]
    for tries in range(2, MOST_TRIES + 2):
        begun = store.queue.begin_next()
        assert begun is not None
        assert (begun.id, begun.tries) == (first.id, tries), "whoever gets it last gives it up"
        store.close()
        store = JobStore(tmp_path)
    assert store.queue.get(second.id).status == "queued"


def test_a_service_that_is_stopped_costs_no_try(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = give(store)
    for _ in range(5):
        store.queue.begin_next()
        store.queue.put_back(job.id)
        store.close()
        store = JobStore(tmp_path)
    assert store.queue.get(job.id) == replace(job)


def test_forms_stay_but_frames_only_of_the_latest(tmp_path: Path) -> None:
    store = JobStore(tmp_path, most_pages=2)
    jobs = [give(store, bytes([n])) for n in range(4)]
    for n, job in enumerate(jobs):
        store.queue.end(
            job.id, "answered", document=DOCUMENT, forms={"csv": f"{n}", "html": f"<{n}>"}
        )
    assert [store.forms.read(job.id, "csv") for job in jobs] == ["0", "1", "2", "3"]
    assert [store.forms.read(job.id, "html") for job in jobs] == [None, None, "<2>", "<3>"]
    assert [store.forms.suffixes(job.id) for job in jobs[1:3]] == [["csv"], ["csv", "html"]]
    assert store.forms.read(jobs[0].id, "absent") is None
    store.close()
    data = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    assert b"<3>" in data
    assert b"<0>" not in data, "what is let go is overwritten"


def test_pages_that_are_too_many_by_now_go_at_the_start(tmp_path: Path) -> None:
    """Their frames need not stay until the next answer, if fewer are to be kept."""
    store = JobStore(tmp_path, most_pages=3)
    jobs = [give(store, bytes([n])) for n in range(3)]
    for job in jobs:
        store.queue.end(job.id, "answered", document=DOCUMENT, forms={"csv": "1", "html": "<1>"})
    store.close()
    store = JobStore(tmp_path, most_pages=1)
    assert [store.forms.suffixes(job.id) for job in jobs] == [["csv"], ["csv"], ["csv", "html"]]


def test_files_on_their_way_count_as_waiting(tmp_path: Path) -> None:
    store = JobStore(tmp_path, most_waiting=2)
    give(store)
    store.queue.room.check()
    with pytest.raises(QueueFullError, match="2 studies are waiting"):
        store.queue.room.check(coming=1)


@pytest.mark.slow
def test_killed_in_the_middle_no_job_is_lost(tmp_path: Path) -> None:
    """A process that accepts without end is killed; all that it spoke of are there."""
    code = (
        "import sys; from pathlib import Path; from edgeecho.service.jobs import JobStore\n"
        f"store = JobStore(Path({str(tmp_path)!r}), most_waiting=10**6)\n"
        "while True:\n"
        "    part = store.queue.new_file(); part.write_bytes(b'x' * 1000)\n"
        "    print(store.queue.accept(part, 'dicom').id, flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        told = [run.stdout.readline().strip() for _ in range(20)]
        run.kill()
        told += [line.strip() for line in run.stdout if len(line) == 33]
    store = JobStore(tmp_path)
    assert len(set(told)) == len(told) >= 20
    for job_id in told:
        assert store.queue.get(job_id).status == "queued"
        assert store.queue.file_of(job_id).read_bytes() == b"x" * 1000
    assert store.queue.count("queued") - len(told) in (0, 1), "one may have been accepted unsaid"


@pytest.mark.slow
def test_a_second_process_is_refused(store: JobStore, tmp_path: Path) -> None:
    code = (
        "import sqlite3; from pathlib import Path; from edgeecho.service.jobs import JobStore\n"
        f"JobStore(Path({str(tmp_path / 'state')!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "OutputError" in done.stderr
    assert "is used by another process" in done.stderr


def test_results_are_delivered_once_and_the_report_stays_until_then(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    clip = give_clip(store)
    store.queue.end(clip.id, "answered", document=DOCUMENT)
    assert not store.queue.file_of(clip.id).exists(), "the video does not wait for the destination"
    job = begin_study(store, clip)
    store.outbox.write(job.id, b"SR")
    assert store.outbox.next_due() is None, "there is no result yet"
    store.queue.end(job.id, "answered", document=DOCUMENT)
    store.close()

    store = JobStore(tmp_path)  # killed between the answer and the delivery
    due = store.outbox.next_due()
    assert due is not None
    assert due.id == job.id
    assert [path.read_bytes() for path in store.outbox.reports_of(job.id)] == [b"SR"]
    store.outbox.retry_later(job.id, 60, "not understood")
    assert store.outbox.next_due() is None
    assert store.queue.get(job.id).attempts == 1
    store.outbox.retry_later(job.id, 0, "not understood")
    assert store.outbox.next_due() is not None
    store.outbox.end(job.id, "delivered", {"to": "ARCHIVE"})
    assert store.outbox.next_due() is None
    assert not store.outbox.reports_of(job.id)
    events = [entry.event for entry in store.trail.entries(job.id)]
    assert events == ["received", "answered", "not delivered", "not delivered", "delivered"]


def test_a_report_that_is_written_again_leaves_nothing_of_the_one_before(store: JobStore) -> None:
    """In two forms before a crash, in one after it."""
    job = due(store)
    store.outbox.write(job.id, b"SR", b"PDF")
    assert [path.read_bytes() for path in store.outbox.reports_of(job.id)] == [b"SR", b"PDF"]
    store.outbox.write(job.id, b"again")
    assert [path.read_bytes() for path in store.outbox.reports_of(job.id)] == [b"again"]


def test_a_clock_that_was_ahead_puts_no_report_off(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = due(store)
    with monkeypatch.context() as patch:
        now = time.time()
        patch.setattr("time.time", lambda: now + 365 * 24 * 3600)
        store.outbox.retry_later(job.id, LONGEST_WAIT_S, "not understood")
        assert store.outbox.next_due() is None
    assert store.outbox.next_due() is not None, "nobody waits for a year"
    store.outbox.retry_later(job.id, LONGEST_WAIT_S, "not understood")
    assert store.outbox.next_due() is None


def test_what_was_cancelled_is_not_delivered(store: JobStore) -> None:
    clip = give_clip(store)
    store.queue.end(clip.id, "cancelled")
    job = begin_study(store, clip)
    store.outbox.write(job.id, b"SR")
    store.queue.end(job.id, "cancelled")
    assert store.outbox.next_due() is None
    assert store.queue.get(job.id).delivery == "none"
    assert not store.outbox.reports_of(job.id)


def test_whoever_asked_for_room_in_time_may_still_come_too_late(tmp_path: Path) -> None:
    store = JobStore(tmp_path, most_waiting=1)
    store.queue.room.check()
    known = give(store, key="1.2.3")
    with pytest.raises(QueueFullError):
        give(store, key="1.2.4")
    assert store.queue.count("queued") == 1
    assert give(store, key="1.2.3").id == known.id, "it takes no room"


def test_the_trail_only_grows(store: JobStore, tmp_path: Path) -> None:
    job = give(store)
    store.queue.end(job.id, "answered", document=DOCUMENT)
    store.trail.add(job.id, "accepted", {"note": "agrees"})
    trail = store.trail.entries(job.id)
    assert [entry.event for entry in trail] == ["received", "answered", "accepted"]
    assert trail[1].detail["ef"] == 55.5
    assert first_broken(trail) is None
    assert store.trail.entries() == trail
    said = store.trail.last(job.id, ("accepted", "rejected"))
    assert said is not None
    assert said.detail == {"note": "agrees"}
    assert store.trail.last(job.id, ("rejected",)) is None
    other = give(store)
    assert [entry.event for entry in store.trail.entries(other.id)] == ["received"]
    with pytest.raises(KeyError):
        store.trail.add("absent", "accepted", {})
    store.close()

    db = sqlite3.connect(tmp_path / "state" / "jobs.sqlite")
    for change in ("UPDATE audit SET event = 'rejected'", "DELETE FROM audit"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(change)
    db.executescript("DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_shortened")
    db.execute("UPDATE audit SET detail = replace(detail, '55.5', '75.5') WHERE number = 2")
    db.commit()
    db.close()
    assert first_broken(JobStore(tmp_path / "state").trail.entries(job.id)) == 2


def rewrite_trail(state: Path, change: str, *values: object) -> None:
    """As somebody with the file in hand."""
    db = sqlite3.connect(state / "jobs.sqlite")
    db.execute("DROP TRIGGER audit_is_never_changed")
    db.execute(f"UPDATE audit SET {change}", values)
    db.commit()
    db.close()


@pytest.mark.parametrize(
    ("change", "value"),
    [
        *[("detail", v) for v in ("x", b"\xff\xfe", 5, "[]", "[" * 5000, "9" * 5000)],
        *[("detail", v) for v in ('{"note": NaN}', '{"note": 1e999}', '{"note":5}')],
        *[(name, v) for name in ("event", "chain", "job") for v in ("x", b"\xff", 5)],
        *[("at", v) for v in ("yesterday", 1, 9e999, b"\xff")],
    ],
)
def test_what_is_no_entry_is_a_broken_one_and_stops_nothing(
    store: JobStore, tmp_path: Path, change: str, value: object
) -> None:
    job = give(store)
    store.trail.add(job.id, "accepted", {"note": "agrees"})
    store.close()
    rewrite_trail(tmp_path / "state", f"{change} = ? WHERE number = 2", value)

    store = JobStore(tmp_path / "state")
    trail = store.trail.entries()
    assert first_broken(trail) == 2
    assert [entry.broken for entry in trail] == [False, True]
    if value == 9e999:
        assert trail[1].at == 0
    assert isinstance(trail[1].detail["changed"], str)
    json.dumps([vars(entry) for entry in trail], allow_nan=False)
    store.trail.add(job.id, "rejected", {})
    said = store.trail.last(job.id, ("rejected",))
    assert said is not None
    assert first_broken(store.trail.entries()) == 2
    assert not said.broken or change == "chain"


def test_an_entry_of_no_json_is_broken_though_its_hash_fits(
    store: JobStore, tmp_path: Path
) -> None:
    """There is no secret in it: who knows how can make one."""
    job = give(store)
    store.close()
    db = sqlite3.connect(tmp_path / "state" / "jobs.sqlite")
    ((at,),) = db.execute("SELECT at FROM audit").fetchall()
    db.close()
    line = json.dumps(["", 1, at, job.id, "received", "x"])
    hashed = hashlib.sha256(line.encode()).hexdigest()
    rewrite_trail(tmp_path / "state", "detail = 'x', chain = ?", hashed)
    store = JobStore(tmp_path / "state")
    assert first_broken(store.trail.entries()) == 1
    assert store.trail.entries(job.id)[0].detail == {"changed": "x"}


def test_a_trail_is_read_page_by_page(store: JobStore) -> None:
    jobs = [give(store), give(store)]
    for n in range(6):
        store.trail.add(jobs[n % 2].id, "accepted", {"note": str(n)})
    whole = store.trail.entries(jobs[0].id)
    assert len(whole) == 4
    assert not any(entry.broken for entry in whole)
    read, after = [], 0
    while page := store.trail.entries(jobs[0].id, after=after, most=3):
        assert len(page) <= 3
        read += page
        after = page[-1].number
    assert read == whole
    assert store.trail.count(jobs[0].id, ("accepted", "rejected")) == 3


def test_the_last_review_is_found_at_once_however_many_there_are(store: JobStore) -> None:
    """Pages and streams ask for it all the time."""
    job = give(store)
    with store._db.changing():  # thousands of commits would take long
        for n in range(5000):
            store.trail.add(job.id, "accepted", {"note": str(n)})
    begin = time.perf_counter()
    for _ in range(20):
        said = store.trail.last(job.id, ("accepted", "rejected"))
    assert said is not None
    assert said.detail == {"note": "4999"}
    assert time.perf_counter() - begin < 0.5, "it does not read all of them"


def test_a_trail_with_a_gap_shows_it(store: JobStore) -> None:
    job = give(store)
    store.trail.add(job.id, "accepted", {})
    store.trail.add(job.id, "rejected", {})
    trail = store.trail.entries(job.id)
    assert first_broken(trail[:1] + trail[2:]) == 2


def test_a_full_disk_is_an_error_that_says_so_and_accepts_nothing(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    part = store.queue.new_file()
    part.write_bytes(b"video")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        store.queue.accept(part, "upload")
    monkeypatch.undo()
    assert store.queue.count("queued") == 0
    give(store)
    assert store.queue.count("queued") == 1
