"""The database of a state folder: opened only where it is ours, and whole."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from edgeecho.common.errors import OutputError

NAME = "jobs.sqlite"
_HEAD = b"SQLite format 3\0"
_OURS = {"job", "audit"}
# What SQLite says where the file is to blame, and where the disk is.
_DAMAGED = ("not a database", "malformed", "unsupported file format")
_DISK = ("full", "disk I/O", "readonly", "unable to open")


def open_database(folder: Path) -> sqlite3.Connection:
    """For this process alone, with the tables of `schema.sql`; made where it is not there.

    `OutputError` where another process has it, where it cannot be written, and where it is damaged
    or of another program: then nothing in it was changed.
    """
    path = folder / NAME
    with mendable(folder):
        # Frames will be in it; SQLite's other files take its mode over.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with path.open("rb") as stream:
            head = stream.read(len(_HEAD))
        if head not in (b"", _HEAD):
            raise _damaged(path, "it is no SQLite database")
        db = sqlite3.connect(path, 1.0, check_same_thread=False, isolation_level=None)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    db.row_factory = sqlite3.Row
    tables = {row["name"] for row in db.execute("SELECT name FROM sqlite_master")}
    if tables and not tables >= _OURS:
        raise _damaged(path, "it is another program's")
    path.chmod(0o600)
    # FULL: a committed transaction survives a power cut too.
    db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    # What is let go, frames among it, is overwritten.
    db.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA secure_delete=ON;")
    db.executescript((files("edgeecho.service.jobs") / "schema.sql").read_text("utf-8"))


@contextmanager
def mendable(folder: Path) -> Iterator[None]:
    """Say in an `OutputError` what of a state folder a user can mend."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        words = str(error)
        if "locked" in words:
            raise OutputError(
                f"{folder} is used by another process: stop it, or choose another folder"
            ) from error
        if any(word in words for word in _DAMAGED):
            raise _damaged(folder / NAME, words) from error
        if not any(word in words for word in _DISK):
            raise
        raise OutputError(f"{folder} cannot be written: {words}") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error


def _damaged(path: Path, why: str) -> OutputError:
    return OutputError(
        f"{path} cannot be used ({why}): put a copy of it back, or choose another --state"
    )
