"""The outbox: reports of ended jobs, kept until a destination has taken them.

A report is written before its job ends, so that the video need not be kept until delivery.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from edgeecho.common.files import atomic_path, flush
from edgeecho.service.jobs.audit import AuditTrail
from edgeecho.service.jobs.database import Database, output_errors
from edgeecho.service.jobs.files import Files
from edgeecho.service.jobs.job import SELECT, Job, find_job, job_of

LONGEST_WAIT_S = 900.0
"""Maximum wait before a delivery is tried again."""


class Outbox:
    """The reports of a store."""

    def __init__(self, db: Database, files: Files, trail: AuditTrail) -> None:
        self._db, self._files, self._trail = db, files, trail

    def write(self, job_id: str, report: bytes, second: bytes | None = None) -> None:
        """Call this before the job is ended, so that no ended job lacks its report. `second`: the
        same in another form, which is sent after it."""
        for path, content in zip(self._files.reports_of(job_id), (report, second), strict=True):
            with output_errors(self._db.folder):
                if content is None:
                    path.unlink(missing_ok=True)  # of an attempt before
                    continue
                with atomic_path(path, mode=0o600) as temporary:
                    temporary.write_bytes(content)
        flush(self._files.reports)

    def reports_of(self, job_id: str) -> list[Path]:
        """A job's reports, from their writing until they are delivered or given up."""
        return [path for path in self._files.reports_of(job_id) if path.exists()]

    def took(self, job_id: str, report: Path, detail: Mapping[str, str]) -> None:
        """The destination has taken one report of a job, but not all: it is not sent again."""
        self._trail.add(job_id, "delivered in part", detail)
        report.unlink(missing_ok=True)

    def next_due(self) -> Job | None:
        """The oldest ended job whose report is due now, or None."""
        now = time.time()
        rows = self._db.rows(
            f"{SELECT} WHERE delivery = 'due' AND finished IS NOT NULL "
            # No wait is longer than this, so a later time was noted when the clock was ahead.
            "AND (coalesce(next_try, 0) <= :now OR next_try > :latest) "
            "ORDER BY finished LIMIT 1",
            {"now": now, "latest": now + LONGEST_WAIT_S},
        )
        return job_of(rows[0]) if rows else None

    def retry_later(self, job_id: str, wait_s: float, reason: str) -> None:
        """After a failed attempt: it is due again in `wait_s`."""
        with self._db.changing() as connection:
            connection.execute(
                "UPDATE job SET attempts = attempts + 1, next_try = ? WHERE id = ?",
                (time.time() + wait_s, job_id),
            )
            self._trail.add(job_id, "not delivered", {"reason": reason})

    def end(self, job_id: str, delivery: str, detail: Mapping[str, str]) -> None:
        """Set `delivered` or `given-up`; the report is deleted."""
        with self._db.changing() as connection:
            connection.execute("UPDATE job SET delivery = ? WHERE id = ?", (delivery, job_id))
            self._trail.add(job_id, delivery, detail)
        self._files.let_go(find_job(self._db, job_id))
