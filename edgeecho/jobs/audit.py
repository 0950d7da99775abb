"""An audit trail that only grows, and shows where somebody changed it behind our back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One event."""

    number: int
    """From 1, without gaps."""
    at: float
    """Unix time in s."""
    job: str
    event: str
    """`received`, `answered`, `refused`, `failed`, `cancelled`, `accepted`, `rejected`, ..."""
    detail: Mapping[str, Any]
    chain: str
    """SHA-256 that depends on this entry and on all before it."""


def add_entry(db: sqlite3.Connection, job: str, event: str, detail: Mapping[str, Any]) -> None:
    """Within the transaction that makes the change which it tells of."""
    last = db.execute("SELECT number, chain FROM audit ORDER BY number DESC LIMIT 1").fetchone()
    number, before = (last["number"] + 1, last["chain"]) if last else (1, "")
    at, text = time.time(), json.dumps(detail, sort_keys=True)
    db.execute(
        "INSERT INTO audit (number, at, job, event, detail, chain) VALUES (?, ?, ?, ?, ?, ?)",
        (number, at, job, event, text, _chain(before, number, at, job, event, text)),
    )


def read_entries(db: sqlite3.Connection, job: str | None = None) -> list[Entry]:
    """Those of a job, or all of them, in order."""
    which, values = ("", ()) if job is None else ("WHERE job = ? ", (job,))
    rows = db.execute(
        f"SELECT number, at, job, event, detail, chain FROM audit {which}ORDER BY number", values
    )
    return [Entry(**{**dict(row), "detail": json.loads(row["detail"])}) for row in rows]


def first_broken(entries: list[Entry]) -> int | None:
    """Of the whole trail: number of the first entry that is not as it was written, or before which
    one is missing."""
    before = ""
    for place, entry in enumerate(entries, 1):
        text = json.dumps(entry.detail, sort_keys=True)
        wanted = _chain(before, place, entry.at, entry.job, entry.event, text)
        if entry.number != place or entry.chain != wanted:
            return place
        before = entry.chain
    return None


def _chain(before: str, number: int, at: float, job: str, event: str, detail: str) -> str:
    line = json.dumps([before, number, at, job, event, detail])
    return hashlib.sha256(line.encode()).hexdigest()
