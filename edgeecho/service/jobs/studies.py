"""Studies: what is of one, and when it is answered.

The answer to a study is a job like that to a clip, whose source is `study`. It waits until nothing
of the study has come for some time and all its clips have ended. At most one of a study waits or
runs; a clip that comes after it has ended makes another, the study's next version.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgeecho.common.files import atomic_path, flush
from edgeecho.service.jobs.audit import AuditTrail
from edgeecho.service.jobs.database import Database, output_errors
from edgeecho.service.jobs.files import Files
from edgeecho.service.jobs.job import SELECT, Job, find_job, job_of

STUDY = "study"
"""Source of the jobs that answer studies."""
LONGEST_QUIET_S = 86_400.0
"""Maximum wait for more of a study. One that is later was noted when the clock was ahead."""
DRAFTS_KEPT_S = 86_400.0
"""So long after a clip has ended its identifiers are known, so that later ones join it."""
_TIDY_S = 600.0
_ENDED = "status IN ('answered', 'refused', 'failed')"
_OF_STUDY = f"{SELECT} WHERE study = ? AND source = ?"


@dataclass(frozen=True)
class Gathering:
    """Which study something is of, and how many seconds after it more of that study may come."""

    uid: str
    quiet_s: float

    @property
    def key(self) -> str:
        """Hash of the study's UID, under which alone it is known."""
        return hashlib.sha256(f"study {self.uid}".encode()).hexdigest()


class Studies:
    """The studies of a store, and the drafts of their reports."""

    def __init__(self, db: Database, files: Files, trail: AuditTrail) -> None:
        self._db, self._files, self._trail = db, files, trail
        self._tidied = time.monotonic()

    def gather(self, given: Gathering) -> None:
        """A clip of a study has come, within the current transaction: its answer waits for more.
        One that is being made just now is begun anew, since it lacks the clip."""
        due = time.time() + given.quiet_s
        with self._db.changing() as connection:
            waits = connection.execute(
                "UPDATE job SET due = ?, tries = tries - (status = 'running'), status = 'queued' "
                "WHERE study = ? AND source = ? AND status IN ('queued', 'running')",
                (due, given.key, STUDY),
            ).rowcount
            if not waits:
                self._add(secrets.token_hex(16), given.key, due)

    def leave_aside(self, given: Gathering, kind: str, draft: Callable[[], bytes]) -> None:
        """A picture of a study has come that is no cine, and is kept nowhere.

        The study is answered, so that nobody waits for it, but not anew. `draft` makes the draft of
        a study of which nothing else has come. `OutputError` if the disk cannot be written.
        """
        due = time.time() + given.quiet_s
        with self._db.changing() as connection:
            known = self._db.rows(f"{_OF_STUDY} ORDER BY rowid DESC LIMIT 1", (given.key, STUDY))
            if not known:
                job_id = secrets.token_hex(16)
                self.write_draft(job_id, draft())
                self._add(job_id, given.key, due)
            elif (job := job_of(known[0])).status == "queued":
                job_id = job.id
                connection.execute("UPDATE job SET due = ? WHERE id = ?", (due, job_id))
            else:
                return
            kinds = sorted({*self.left_aside(find_job(self._db, job_id)), kind})
            values = (json.dumps(kinds), job_id)
            connection.execute("UPDATE job SET left_aside = ? WHERE id = ?", values)

    def _add(self, job_id: str, key: str, due: float) -> None:
        with self._db.changing() as connection:
            connection.execute(
                "INSERT INTO job (id, source, status, received, size, sha256, study, due, delivery)"
                " VALUES (?, ?, 'queued', ?, 0, '', ?, ?, 'due')",
                (job_id, STUDY, time.time(), key, due),
            )
            self._trail.add(job_id, "received", {"source": STUDY})

    def clips(self, study: Job) -> list[Job]:
        """The clips of a study that have ended, but for those that were cancelled, as they came."""
        return self._ended(study, "dicom")

    def versions(self, study: Job) -> list[Job]:
        """The study's answers that have ended, the first one first."""
        return self._ended(study, STUDY)

    def replaced(self, study: Job) -> Job | None:
        """The last of them that the destination has, as far as is known, or will get."""
        for version in reversed(self.versions(study)):
            if version.delivery in ("due", "delivered"):
                return version
            if self._trail.count(version.id, ["delivered in part"]):
                return version
        return None

    def _ended(self, study: Job, source: str) -> list[Job]:
        rows = self._db.rows(f"{_OF_STUDY} AND {_ENDED} ORDER BY rowid", (study.study, source))
        return list(map(job_of, rows))

    def left_aside(self, study: Job) -> list[str]:
        """Kinds of a study's pictures that are no cines, in alphabetical order."""
        rows = self._db.rows(
            "SELECT left_aside FROM job WHERE study = ? AND source = ? AND left_aside IS NOT NULL",
            (study.study, STUDY),
        )
        return sorted({kind for (told,) in rows for kind in json.loads(told)})

    def draft_of(self, job_id: str) -> Path:
        """Path of what a clip adds to its study's report. It names the patient, and is deleted some
        time after the clip has ended."""
        return self._files.drafts / job_id

    def write_draft(self, job_id: str, draft: bytes) -> None:
        """Call this before the job is ended, so that no ended clip lacks its draft."""
        path = self.draft_of(job_id)
        with output_errors(self._db.folder), atomic_path(path, mode=0o600) as temporary:
            temporary.write_bytes(draft)
        flush(self._files.drafts)

    def forget(self, *, now: bool = False) -> None:
        """Delete drafts that have been kept long enough; looks once in a while, or `now`."""
        if not now and time.monotonic() - self._tidied < _TIDY_S:
            return
        self._tidied = time.monotonic()
        for path in list(self._files.drafts.iterdir()):
            old = self._db.rows(
                "SELECT 1 FROM job AS this WHERE id = ? AND finished < ? AND NOT EXISTS "
                "(SELECT 1 FROM job WHERE study = this.study AND status IN ('queued', 'running'))",
                (path.name, time.time() - DRAFTS_KEPT_S),
            )
            if old:
                with output_errors(self._db.folder):
                    path.unlink(missing_ok=True)
