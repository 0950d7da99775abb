"""Jobs on disk: what was accepted survives a crash, and is answered once.

A folder with `jobs.sqlite`, `files/` and `reports/`. A job is accepted when its file and its row
are on the disk; its result and its change of status are one transaction. What is to be delivered
is a file in `reports/` before that, so that the video need not wait for the destination.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeecho.common.errors import EdgeEchoError
from edgeecho.common.files import atomic_path, flush, make_folder, sha256_file
from edgeecho.service.jobs.audit import Entry, add_entry, count_entries, last_entry, read_entries
from edgeecho.service.jobs.database import mendable, open_database
from edgeecho.service.jobs.forms import add_forms, drop_pages, list_forms, read_form
from edgeecho.service.jobs.job import SELECT, Job, job_of
from edgeecho.service.jobs.recovery import FILES, REPORTS, check_folder, tidy
from edgeecho.service.jobs.room import Room

LONGEST_WAIT_S = 900.0
"""Before a delivery is tried again."""
MOST_TRIES = 4
"""A job that was begun so often and never ended may be what ends the service, though its engine
crashes alone: whoever begins it once more must end it as failed. Power cuts count too."""


class KeyUsedError(EdgeEchoError):
    """Another file was accepted under that key."""


class QueueFullError(EdgeEchoError):
    """As many jobs wait as may; `retry_after_s` says when a place may be free."""

    def __init__(self, waiting: int, retry_after_s: float) -> None:
        super().__init__(
            f"{waiting} studies are waiting, as many as may: send it again in {retry_after_s:.0f} s"
        )
        self.retry_after_s = retry_after_s


class JobStore:
    """The jobs in a folder, for all threads of one process. `OutputError` where it cannot be.

    Files go when their job has ended, unless `keep_files`; reports when they are delivered. Forms
    of a result stay, but for pages, which hold the video's frames: only the last `most_pages`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        most_waiting: int = 100,
        keep_files: bool = False,
        most_pages: int = 200,
        beside: Iterable[Path] = (),
    ) -> None:
        """`beside`: what is not the store's and yet may lie in a folder that is new to it."""
        check_folder(folder, beside)
        self._folder, self._files, self._reports = folder, folder / FILES, folder / REPORTS
        self._keep_files = keep_files
        self.most_waiting = most_waiting
        """Jobs; further ones are not taken."""
        self._most_pages = most_pages
        self._lock = threading.RLock()
        _make_private(folder)
        self._room = Room(folder)
        self._db = open_database(folder)
        try:
            for private in (self._files, self._reports):
                _make_private(private)
            self._recover()
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Let another process open it."""
        with self._lock:
            self._db.close()

    def new_file(self) -> Path:
        """Where a file is to be written before it is accepted; whoever gives up removes it."""
        return self._files / f"{secrets.token_hex(16)}.part"

    def file_of(self, job_id: str) -> Path:
        """The file of a job, as long as it is kept."""
        return self._files / job_id

    def report_of(self, job_id: str) -> Path:
        """What is to be delivered of a job, once it is written."""
        return self._reports / job_id

    def write_report(self, job_id: str, content: bytes) -> None:
        """To be delivered; before the job is ended, so that no end is without it."""
        with mendable(self._folder), atomic_path(self.report_of(job_id), mode=0o600) as temporary:
            temporary.write_bytes(content)
        flush(self._reports)

    def has_disk(self) -> bool:
        """Whether the disk has room for a further job; see `Room`."""
        return self._room.enough(self.count("queued"))

    def check_disk(self, coming: int = 0) -> None:
        """`OutputError` where it has not, `coming`: bytes that are yet to be written."""
        self._room.check(self.count("queued"), coming)

    def check_room(self, typical_s: float = 1.0, *, coming: int = 0) -> None:
        """`QueueFullError` where no further job is taken; one takes about `typical_s`.

        `OutputError` where the disk has no room for one. `coming`: files that are on their way and
        will want a place too.
        """
        waiting = self.count("queued") + coming
        if waiting >= self.most_waiting:
            raise QueueFullError(waiting, max(1.0, typical_s))
        self._room.check(waiting)

    def accept(
        self, part: Path, source: str, *, key: str | None = None, deliver: bool = False
    ) -> Job:
        """Make a job of a file that was written to `new_file`; it is on the disk afterwards.

        A `key` that was accepted before gives that job, and the file is removed; `KeyUsedError`
        where an upload's is of other bytes. (An object's may be: the same object in another
        encoding.) `QueueFullError` and `OutputError` as in `check_room`, for who asked then may
        come too late now.
        With `deliver` a result is due to be sent.
        """
        hashed = None if key is None else hashlib.sha256(key.encode()).hexdigest()
        sha256, size, job_id = sha256_file(part), part.stat().st_size, part.stem
        with mendable(self._folder):
            flush(part)  # it takes longest, and needs no lock
        try:
            with self._changing() as db:
                if row := db.execute(f"{SELECT} WHERE key = ?", (hashed,)).fetchone():
                    known = job_of(row)
                    part.unlink()
                    if source == "upload" and known.sha256 != sha256:
                        raise KeyUsedError("another file was sent under that key: take a new one")
                    return known
                self.check_room()
                part.rename(self.file_of(job_id))
                flush(self._files)
                db.execute(
                    "INSERT INTO job (id, source, status, received, size, sha256, key, delivery) "
                    "VALUES (?, ?, 'queued', ?, ?, ?, ?, ?)",
                    (
                        *(job_id, source, time.time(), size, sha256, hashed),
                        "due" if deliver else "none",
                    ),
                )
                told = {"source": source, "size": size, "sha256": sha256}
                add_entry(db, job_id, "received", told)
        except BaseException:
            self.file_of(job_id).unlink(missing_ok=True)  # nobody would know whose it is
            raise
        return self.get(job_id)

    def begin_next(self) -> Job | None:
        """The job that has waited longest, now `running`; None where none waits."""
        with self._changing() as db:
            row = db.execute(
                "SELECT id FROM job WHERE status = 'queued' ORDER BY received, rowid LIMIT 1"
            ).fetchone()
            if row is None:
                return None
            db.execute(
                "UPDATE job SET status = 'running', started = ?, tries = tries + 1 WHERE id = ?",
                (time.time(), row["id"]),
            )
        return self.get(row["id"])

    def end(
        self,
        job_id: str,
        status: str,
        *,
        document: Mapping[str, Any] | None = None,
        error: str | None = None,
        exit_code: int | None = None,
        forms: Mapping[str, str] | None = None,
    ) -> bool:
        """What became of a job. False: it had ended before, and stays as it is.

        `forms`: the result in other forms, by their suffix.
        """
        with self._changing() as db:
            changed = db.execute(
                "UPDATE job SET status = ?1, finished = ?2, document = ?3, error = ?4, "
                "exit_code = ?5, "
                "delivery = iif(?1 = 'cancelled', 'none', delivery), "
                # What was given up may be sent again.
                "key = iif(?1 = 'cancelled', NULL, key) "
                "WHERE id = ?6 AND status IN ('queued', 'running')",
                (
                    *(status, time.time(), None if document is None else json.dumps(document)),
                    *(error, exit_code, job_id),
                ),
            ).rowcount
            if changed:
                add_entry(db, job_id, status, _told(document, error))
                add_forms(db, job_id, forms or {}, self._most_pages)
        self._let_go(self.get(job_id))
        return bool(changed)

    def unfinished(self, source: str) -> int:
        """Jobs from there that have not ended."""
        with self._reading() as db:
            found = db.execute(
                "SELECT count(*) FROM job WHERE source = ? AND status IN ('queued', 'running')",
                (source,),
            )
            return int(found.fetchone()[0])

    def put_back(self, job_id: str) -> None:
        """A running job waits again, at its old place, as if it had never been begun."""
        with self._changing() as db:
            db.execute(
                "UPDATE job SET status = 'queued', started = NULL, tries = tries - 1 "
                "WHERE id = ? AND status = 'running'",
                (job_id,),
            )

    def next_delivery(self) -> Job | None:
        """An ended job whose result is due to be sent by now, the oldest first."""
        now = time.time()
        with self._reading() as db:
            row = db.execute(
                f"{SELECT} WHERE delivery = 'due' AND finished IS NOT NULL "
                # Nobody waits longer: the clock was ahead when that was noted.
                "AND (coalesce(next_try, 0) <= ?1 OR next_try > ?2) ORDER BY finished LIMIT 1",
                (now, now + LONGEST_WAIT_S),
            ).fetchone()
        return job_of(row) if row else None

    def try_delivery_later(self, job_id: str, wait_s: float, reason: str) -> None:
        """It could not be sent; it is due again in `wait_s`."""
        with self._changing() as db:
            db.execute(
                "UPDATE job SET attempts = attempts + 1, next_try = ? WHERE id = ?",
                (time.time() + wait_s, job_id),
            )
            add_entry(db, job_id, "not delivered", {"reason": reason})

    def end_delivery(self, job_id: str, delivery: str, detail: Mapping[str, Any]) -> None:
        """`delivered` or `given-up`; the report goes."""
        with self._changing() as db:
            db.execute("UPDATE job SET delivery = ? WHERE id = ?", (delivery, job_id))
            add_entry(db, job_id, delivery, detail)
        self._let_go(self.get(job_id))

    def note(self, job_id: str, event: str, detail: Mapping[str, Any]) -> None:
        """Add to the audit trail of a job; `KeyError` where there is none."""
        self.get(job_id)
        with self._changing() as db:
            add_entry(db, job_id, event, detail)

    def get(self, job_id: str) -> Job:
        """`KeyError` where there is none."""
        with self._reading() as db:
            row = db.execute(f"{SELECT} WHERE id = ?", (job_id,)).fetchone()
        if row is None:
            raise KeyError(job_id)
        return job_of(row)

    def form(self, job_id: str, suffix: str) -> str | None:
        """The result of a job in another form; None where it has none, or none any more."""
        with self._reading() as db:
            return read_form(db, job_id, suffix)

    def forms(self, job_id: str) -> list[str]:
        """Suffixes of the forms that a job's result is kept in."""
        with self._reading() as db:
            return list_forms(db, job_id)

    def waiting(self) -> list[str]:
        """Ids of the queued jobs, in the order in which they will be begun."""
        with self._reading() as db:
            rows = db.execute(
                "SELECT id FROM job WHERE status = 'queued' ORDER BY received, rowid"
            ).fetchall()
        return [row["id"] for row in rows]

    def latest(self, most: int, *, before: float | None = None) -> list[Job]:
        """Jobs, the last received first; `before`: those received earlier."""
        with self._reading() as db:
            rows = db.execute(
                f"{SELECT} WHERE received < ? ORDER BY received DESC, rowid DESC LIMIT ?",
                (before if before is not None else float("inf"), most),
            ).fetchall()
        return list(map(job_of, rows))

    def count(self, status: str) -> int:
        """Jobs of that status."""
        with self._reading() as db:
            found = db.execute("SELECT count(*) FROM job WHERE status = ?", (status,))
            return int(found.fetchone()[0])

    def trail(self, job_id: str, *, after: int = 0, most: int | None = None) -> list[Entry]:
        """What happened to a job, in order: of the entries numbered above `after` the first
        `most`."""
        with self._reading() as db:
            return read_entries(db, job_id, after=after, most=most)

    def last_entry(self, job_id: str, events: Sequence[str]) -> Entry | None:
        """Of these events of a job the last; None where there was none."""
        with self._reading() as db:
            return last_entry(db, job_id, events)

    def count_entries(self, job_id: str, events: Sequence[str]) -> int:
        """How many of these events a job has."""
        with self._reading() as db:
            return count_entries(db, job_id, events)

    def whole_trail(self) -> list[Entry]:
        """Of all jobs."""
        with self._reading() as db:
            return read_entries(db)

    def _recover(self) -> None:
        """After a crash: what was running waits again, and what nobody may keep goes."""
        with self._changing() as db:
            db.execute("UPDATE job SET status = 'queued' WHERE status = 'running'")
            drop_pages(db, self._most_pages)
        with mendable(self._folder):
            tidy(self._folder, self.get, self._let_go)

    def _let_go(self, job: Job) -> None:
        if job.ended and not self._keep_files:
            self.file_of(job.id).unlink(missing_ok=True)
        if job.delivery != "due":
            self.report_of(job.id).unlink(missing_ok=True)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock, mendable(self._folder):
            yield self._db

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """All of it, or nothing; may be nested."""
        with self._lock, mendable(self._folder):
            if self._db.in_transaction:
                yield self._db
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise


def _make_private(folder: Path) -> None:
    """Patients' videos and names. A folder that somebody made stays as open as it was made."""
    if not folder.exists():
        make_folder(folder)
        folder.chmod(0o700)


def _told(document: Mapping[str, Any] | None, error: str | None) -> dict[str, Any]:
    """What the trail says of an end: which model said what, or why nothing."""
    if document is None:
        return {} if error is None else {"error": error}
    (result,) = document["results"]
    model = document["model"]
    return {
        "ef": result.get("ef"),
        "refusals": [refusal["gate"] for refusal in result["refusals"]],
        "model": f"{model['name']} {model['version']}",
        "model_sha256": model["sha256"],
        "preprocess_sha256": model["preprocess_sha256"],
        "edgeecho": document["edgeecho"],
    }
