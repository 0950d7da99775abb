"""An append-only audit trail that shows where somebody else changed it."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgeecho.service.jobs.database import Database

# Read as bytes, since somebody may have written something that is neither text nor UTF-8.
# `before` is the chain that this entry continues.
_SELECT = """
SELECT number, CAST(at AS REAL) AS at, CAST(job AS BLOB) AS job, CAST(event AS BLOB) AS event,
    CAST(detail AS BLOB) AS detail, CAST(chain AS BLOB) AS chain,
    (SELECT CAST(chain AS BLOB) FROM audit AS other WHERE other.number = audit.number - 1) AS before
FROM audit
"""


@dataclass(frozen=True)
class Entry:
    """One event of a job."""

    number: int
    """Counts from 1 without gaps."""
    at: float
    """Unix time in s."""
    job: str
    event: str
    """`received`, `answered`, `refused`, `failed`, `cancelled`, `accepted`, `rejected`, ..."""
    detail: Mapping[str, Any]
    """For a broken entry: its present content as text under `changed`."""
    chain: str
    """SHA-256 over this entry and all earlier ones."""
    broken: bool
    """Whether it was changed, or the entry before it is missing."""


class AuditTrail:
    """Everything that happened to the jobs of a store; nothing is ever removed."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, job_id: str, event: str, detail: Mapping[str, Any]) -> None:
        """Add an event, within the current transaction if there is one. `KeyError` if there is no
        such job."""
        with self._db.changing() as connection:
            if not self._db.rows("SELECT 1 FROM job WHERE id = ?", (job_id,)):
                raise KeyError(job_id)
            last = self._db.rows(
                "SELECT number, CAST(chain AS BLOB) AS chain FROM audit "
                "ORDER BY number DESC LIMIT 1"
            )
            number, before = (last[0]["number"] + 1, _text(last[0]["chain"])) if last else (1, "")
            at, text = time.time(), json.dumps(detail, sort_keys=True)
            connection.execute(
                "INSERT INTO audit (number, at, job, event, detail, chain) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (number, at, job_id, event, text, _chain(before, number, at, job_id, event, text)),
            )

    def entries(
        self, job_id: str | None = None, *, after: int = 0, most: int | None = None
    ) -> list[Entry]:
        """Entries of a job, or of all, in order: the first `most` numbered above `after`."""
        which = "" if job_id is None else "AND job = :job "
        rows = self._db.rows(
            f"{_SELECT} WHERE number > :after {which}ORDER BY number LIMIT :most",
            {"after": after, "job": job_id, "most": -1 if most is None else most},
        )
        return list(map(_entry, rows))

    def last(self, job_id: str, events: Sequence[str]) -> Entry | None:
        """The last of these events of a job, or None."""
        rows = self._db.rows(
            f"{_SELECT} WHERE job = ? AND event IN ({_places(events)}) "
            "ORDER BY number DESC LIMIT 1",
            (job_id, *events),
        )
        return _entry(rows[0]) if rows else None

    def count(self, job_id: str, events: Sequence[str]) -> int:
        """Number of these events of a job."""
        rows = self._db.rows(
            f"SELECT count(*) FROM audit WHERE job = ? AND event IN ({_places(events)})",
            (job_id, *events),
        )
        return int(rows[0][0])


def first_broken(entries: Sequence[Entry]) -> int | None:
    """Number of the first entry of the whole trail that was changed, or before which one is
    missing."""
    found = (n for n, entry in enumerate(entries, 1) if entry.broken or entry.number != n)
    return next(found, None)


def told_of(document: Mapping[str, Any] | None, error: str | None) -> dict[str, Any]:
    """Details of an end for the audit trail: the model and its answer, or the error."""
    if document is None:
        return {} if error is None else {"error": error}
    (result,), model = document.get("studies", document["results"]), document["model"]
    told = {"edgeecho": document["edgeecho"]}
    if model:
        told |= {
            "model": f"{model['name']} {model['version']}",
            "model_sha256": model["sha256"],
            "preprocess_sha256": model["preprocess_sha256"],
        }
    return {
        "ef": result.get("ef"),
        "refusals": [refusal["gate"] for refusal in result["refusals"]],
        **told,
    }


def _entry(row: sqlite3.Row) -> Entry:
    number, at = row["number"], row["at"]
    job, event, detail, chain, before = (
        _text(row[name] or b"") for name in ("job", "event", "detail", "chain", "before")
    )
    told = _parsed(detail)
    broken = told is None or chain != _chain(before, number, at, job, event, detail)
    return Entry(
        number=number,
        at=at if math.isfinite(at) else 0.0,
        job=job,
        event=event,
        detail={"changed": detail} if told is None or broken else told,
        chain=chain,
        broken=broken,
    )


def _parsed(detail: str) -> dict[str, Any] | None:
    """None if it is not what an entry contains."""
    try:
        told = json.loads(detail)
        canonical = json.dumps(told, sort_keys=True, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) and canonical == detail else None


def _text(there: bytes) -> str:
    return there.decode("utf-8", "backslashreplace")


def _places(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))


def _chain(before: str, number: int, at: float, job: str, event: str, detail: str) -> str:
    line = json.dumps([before, number, at, job, event, detail])
    return hashlib.sha256(line.encode()).hexdigest()
