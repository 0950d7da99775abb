"""A job, as it is read from the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.service.jobs.database import Database

SELECT = (
    "SELECT id, source, status, received, started, finished, tries, size, sha256, document, error, "
    "exit_code, delivery, attempts FROM job"
)
"""The columns that `job_of` takes."""


@dataclass(frozen=True)
class Job:
    """A file that was accepted, and what became of it."""

    id: str
    """32 random hexadecimal digits, which cannot be guessed."""
    source: str
    """`upload` or `dicom`."""
    status: str
    """`queued`, `running`; or, for good, `answered`, `refused`, `failed`, `cancelled`."""
    received: float
    """Unix time in s, as the next two."""
    started: float | None
    finished: float | None
    tries: int
    """How often it was begun."""
    size: int
    """In bytes."""
    sha256: str
    document: Mapping[str, Any] | None
    """What `edgeecho infer --json` writes, of this one file; None unless answered or refused."""
    error: str | None
    """One line; None unless failed."""
    exit_code: int | None
    """That `edgeecho infer` would have had; None unless failed."""
    delivery: str
    """`none`: nobody is sent the result; `due`, until it is `delivered` or `given-up`."""
    attempts: int
    """How often the delivery was tried."""

    @property
    def ended(self) -> bool:
        """Whether its status is final."""
        return self.status not in ("queued", "running")


def find_job(db: Database, job_id: str) -> Job:
    """`KeyError` where there is none."""
    for row in db.rows(f"{SELECT} WHERE id = ?", (job_id,)):
        return job_of(row)
    raise KeyError(job_id)


def job_of(row: sqlite3.Row) -> Job:
    """The job of a row that `SELECT` gave."""
    fields = dict(row)
    if fields["document"] is not None:
        fields["document"] = json.loads(fields["document"])
    return Job(**fields)
