"""Results in other forms than the document, kept beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

PAGE = "html"
"""The form that holds frames of the video."""


def add_forms(db: sqlite3.Connection, job: str, forms: Mapping[str, str], most_pages: int) -> None:
    """Those of a job, by suffix; of `PAGE`, all but the last `most_pages` of all jobs go."""
    db.executemany(
        "INSERT INTO form (job, suffix, body) VALUES (?, ?, ?)",
        [(job, suffix, body) for suffix, body in forms.items()],
    )
    drop_pages(db, most_pages)


def drop_pages(db: sqlite3.Connection, most: int) -> None:
    """All but the last `most`."""
    db.execute(
        "DELETE FROM form WHERE suffix = ? AND rowid NOT IN "
        "(SELECT rowid FROM form WHERE suffix = ? ORDER BY rowid DESC LIMIT ?)",
        (PAGE, PAGE, most),
    )


def read_form(db: sqlite3.Connection, job: str, suffix: str) -> str | None:
    """None where the job has none, or none any more."""
    found = db.execute("SELECT body FROM form WHERE job = ? AND suffix = ?", (job, suffix))
    row = found.fetchone()
    return None if row is None else str(row["body"])


def list_forms(db: sqlite3.Connection, job: str) -> list[str]:
    """Their suffixes, in alphabetical order."""
    rows = db.execute("SELECT suffix FROM form WHERE job = ? ORDER BY suffix", (job,))
    return [row["suffix"] for row in rows]
