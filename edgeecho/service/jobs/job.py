"""A job, as it is read from the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.service.jobs.database import Database

SELECT = (
    "SELECT id, source, status, received, started, finished, tries, size, sha256, study, document, "
    "error, exit_code, delivery, attempts FROM job"
)
"""The columns that `job_of` reads."""


@dataclass(frozen=True)
class Job:
    """An accepted file and its outcome, or a study and its answer."""

    id: str
    """32 random hexadecimal digits, which cannot be guessed."""
    source: str
    """`upload`, `dicom` or `study`."""
    status: str
    """`queued` or `running`; finally `answered`, `refused`, `failed` or `cancelled`."""
    received: float
    """Unix time in s, like the next two."""
    started: float | None
    finished: float | None
    tries: int
    """How often it was begun."""
    size: int
    """In bytes; 0 for a study."""
    sha256: str
    study: str | None
    """Hash of the study's UID; None for uploads."""
    document: Mapping[str, Any] | None
    """Output of `edgeecho infer --json` for this file or study; None unless answered or refused."""
    error: str | None
    """One line; None unless failed."""
    exit_code: int | None
    """Exit code that `edgeecho infer` would have had; None unless failed."""
    delivery: str
    """`none`: the result is sent to nobody; `due` until it is `delivered` or `given-up`."""
    attempts: int
    """Number of delivery attempts."""

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status not in ("queued", "running")


def find_job(db: Database, job_id: str) -> Job:
    """Read a job; `KeyError` if there is none."""
    for row in db.rows(f"{SELECT} WHERE id = ?", (job_id,)):
        return job_of(row)
    raise KeyError(job_id)


def job_of(row: sqlite3.Row) -> Job:
    """Make a job of a row of `SELECT`."""
    fields = dict(row)
    if fields["document"] is not None:
        fields["document"] = json.loads(fields["document"])
    return Job(**fields)
