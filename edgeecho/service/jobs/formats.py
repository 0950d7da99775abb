"""Results in further formats, stored beside the JSON document."""

from __future__ import annotations

from collections.abc import Mapping

from edgeecho.service.jobs.database import Database

PAGE = "html"
"""The format that holds frames of the video."""


class Forms:
    """Documents by job and suffix. All are kept, but pages only of the last `most_pages` jobs."""

    def __init__(self, db: Database, most_pages: int) -> None:
        self._db, self._most_pages = db, most_pages

    def add(self, job_id: str, forms: Mapping[str, str]) -> None:
        """Add a job's documents, by suffix."""
        with self._db.changing() as connection:
            connection.executemany(
                "INSERT INTO form (job, suffix, body) VALUES (?, ?, ?)",
                [(job_id, suffix, body) for suffix, body in forms.items()],
            )
            self.drop_pages()

    def drop_pages(self) -> None:
        """Delete the pages of all jobs but the last."""
        with self._db.changing() as connection:
            connection.execute(
                "DELETE FROM form WHERE suffix = ? AND rowid NOT IN "
                "(SELECT rowid FROM form WHERE suffix = ? ORDER BY rowid DESC LIMIT ?)",
                (PAGE, PAGE, self._most_pages),
            )

    def read(self, job_id: str, suffix: str) -> str | None:
        """None if the job never had it, or has it no longer."""
        rows = self._db.rows("SELECT body FROM form WHERE job = ? AND suffix = ?", (job_id, suffix))
        return str(rows[0]["body"]) if rows else None

    def suffixes(self, job_id: str) -> list[str]:
        """Suffixes of a job's formats, in alphabetical order."""
        rows = self._db.rows("SELECT suffix FROM form WHERE job = ? ORDER BY suffix", (job_id,))
        return [row["suffix"] for row in rows]
