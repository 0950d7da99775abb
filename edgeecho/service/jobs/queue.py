"""The queue: accepted files survive a crash and are answered once.

A job is accepted once its file and row are on the disk; its result and change of status are one
transaction.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from edgeecho.common.errors import EdgeEchoError
from edgeecho.common.files import flush, sha256_file
from edgeecho.service.jobs.audit import AuditTrail, told_of
from edgeecho.service.jobs.database import Database, output_errors
from edgeecho.service.jobs.files import Files
from edgeecho.service.jobs.formats import Forms
from edgeecho.service.jobs.job import SELECT, Job, find_job, job_of
from edgeecho.service.jobs.room import Room
from edgeecho.service.jobs.studies import LONGEST_QUIET_S, STUDY, Gathering, Studies

MOST_TRIES = 4
"""A job that was begun this often and never ended may be what ends the service, although its
engine crashes alone: it must then be ended as failed. Power cuts count too."""
_WAITING = f"SELECT id FROM job WHERE status = 'queued' AND source != '{STUDY}'"
# A study comes after its clips, and after more of it might have come.
_NEXT = f"""
SELECT id FROM job AS this WHERE status = 'queued' AND (source != '{STUDY}' OR (
    (due <= :now OR due > :latest) AND NOT EXISTS (
        SELECT 1 FROM job WHERE study = this.study AND source != '{STUDY}'
        AND status IN ('queued', 'running'))))
ORDER BY received, rowid LIMIT 1
"""


class KeyUsedError(EdgeEchoError):
    """Another file was accepted under that key."""


class Queue:
    """The jobs of a store, waiting, running or ended."""

    def __init__(
        self, db: Database, files: Files, trail: AuditTrail, forms: Forms, most_waiting: int
    ) -> None:
        self._db, self._files, self._trail, self._forms = db, files, trail, forms
        self.room = Room(db.folder, most_waiting, partial(self.count, "queued"))
        self.studies = Studies(db, files, trail)
        """Answers to the studies of files."""

    def new_file(self) -> Path:
        """Where to write a file before it is accepted; a caller that gives up removes it."""
        return self._files.studies / f"{secrets.token_hex(16)}.part"

    def file_of(self, job_id: str) -> Path:
        """Path of a job's file, for as long as it is kept."""
        return self._files.studies / job_id

    def accept(
        self, part: Path, source: str, *, key: str | None = None, study: Gathering | None = None
    ) -> Job:
        """Make a job of a file that was written to `new_file`; it is then safely on the disk.

        If `key` was accepted before, return that job and remove the file; `KeyUsedError` if an
        upload has other bytes. (A DICOM object may: the same object in another encoding.)
        `QueueFullError` and `OutputError` as in `Room.check`, since an earlier check there may be
        outdated. `study`: the file is of that study, which will be answered.
        """
        hashed = None if key is None else hashlib.sha256(key.encode()).hexdigest()
        sha256, size, job_id = sha256_file(part), part.stat().st_size, part.stem
        with output_errors(self._db.folder):
            flush(part)  # takes longest, and needs no lock
        try:
            with self._db.changing() as connection:
                for row in self._db.rows(f"{SELECT} WHERE key = ?", (hashed,)):
                    known = job_of(row)
                    part.unlink()
                    if source == "upload" and known.sha256 != sha256:
                        raise KeyUsedError("another file was sent under that key: take a new one")
                    return known
                self.room.check()
                part.rename(self.file_of(job_id))
                flush(self._files.studies)
                connection.execute(
                    "INSERT INTO job (id, source, status, received, size, sha256, key, study, "
                    "delivery) VALUES (?, ?, 'queued', ?, ?, ?, ?, ?, 'none')",
                    (job_id, source, time.time(), size, sha256, hashed, study and study.key),
                )
                told = {"source": source, "size": size, "sha256": sha256}
                self._trail.add(job_id, "received", told)
                if study:
                    self.studies.gather(study)
        except BaseException:
            self.file_of(job_id).unlink(missing_ok=True)  # no job refers to it
            raise
        return self.get(job_id)

    def begin_next(self) -> Job | None:
        """The job that has waited longest, now `running`; None if none waits, or only studies of
        which more may come."""
        now = time.time()
        with self._db.changing() as connection:
            rows = self._db.rows(_NEXT, {"now": now, "latest": now + LONGEST_QUIET_S})
            if not rows:
                return None
            connection.execute(
                "UPDATE job SET status = 'running', started = ?, tries = tries + 1 WHERE id = ?",
                (now, rows[0]["id"]),
            )
        return self.get(rows[0]["id"])

    def put_back(self, job_id: str) -> None:
        """Let a running job wait again at its old place, as if it had never been begun."""
        with self._db.changing() as connection:
            connection.execute(
                "UPDATE job SET status = 'queued', started = NULL, tries = tries - 1 "
                "WHERE id = ? AND status = 'running'",
                (job_id,),
            )

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
        """Store a job's outcome. False: it had already ended, and stays as it is; or it is a study
        of which more has come since it was begun.

        `forms`: the result in further formats, by suffix.
        """
        text = None if document is None else json.dumps(document)
        with self._db.changing() as connection:
            changed = connection.execute(
                "UPDATE job SET status = :status, finished = :now, document = :document, "
                "error = :error, exit_code = :exit_code, "
                "delivery = iif(:status = 'cancelled', 'none', delivery), "
                # A cancelled file may be sent again.
                "key = iif(:status = 'cancelled', NULL, key) "
                "WHERE id = :id AND (status = 'running' OR status = 'queued' AND source != :study)",
                {
                    "study": STUDY,
                    "status": status,
                    "now": time.time(),
                    "document": text,
                    "error": error,
                    "exit_code": exit_code,
                    "id": job_id,
                },
            ).rowcount
            if changed:
                self._trail.add(job_id, status, told_of(document, error))
                self._forms.add(job_id, forms or {})
        self._files.let_go(self.get(job_id))
        return bool(changed)

    def get(self, job_id: str) -> Job:
        """Read a job; `KeyError` if there is none."""
        return find_job(self._db, job_id)

    def waiting(self) -> list[str]:
        """Ids of the queued files, in the order in which they will begin."""
        return [row["id"] for row in self._db.rows(f"{_WAITING} ORDER BY received, rowid")]

    def latest(self, most: int, *, before: float | None = None) -> list[Job]:
        """Jobs of files, latest first; `before`: only those received earlier."""
        rows = self._db.rows(
            f"{SELECT} WHERE source != '{STUDY}' AND received < ? "
            "ORDER BY received DESC, rowid DESC LIMIT ?",
            (before if before is not None else float("inf"), most),
        )
        return list(map(job_of, rows))

    def count(self, status: str) -> int:
        """Number of files with that status."""
        query = f"SELECT count(*) FROM job WHERE status = ? AND source != '{STUDY}'"
        return int(self._db.rows(query, (status,))[0][0])

    def unfinished(self, source: str) -> int:
        """Number of jobs from that source that have not ended."""
        rows = self._db.rows(
            "SELECT count(*) FROM job WHERE source = ? AND status IN ('queued', 'running')",
            (source,),
        )
        return int(rows[0][0])
