"""The database of a state folder, which is opened only if it is ours and intact."""

from __future__ import annotations

import errno
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from edgeecho.common.errors import OutputError

NAME = "jobs.sqlite"
_HEAD = b"SQLite format 3\0"
_OURS = {"job", "audit"}
# SQLite's messages if the file is at fault, and if the disk is.
_DAMAGED = ("not a database", "malformed", "unsupported file format")
_DISK = ("full", "disk I/O", "readonly", "unable to open")


class Database:
    """An exclusively opened database, safe for all threads; `schema.sql` has the tables.

    It is created if there is none. `OutputError` if another process uses it, if it cannot be
    written, or if it is damaged or another program's; then nothing in it has changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._connection = _open(folder)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[sqlite3.Row]:
        """Rows of a query; in a transaction of this thread, with its own changes."""
        with self._lock, output_errors(self.folder):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it or nothing. Inside another one it is part of that."""
        with self._lock, output_errors(self.folder):
            if self._connection.in_transaction:
                yield self._connection
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


def _open(folder: Path) -> sqlite3.Connection:
    path = folder / NAME
    with output_errors(folder):
        # Frames will be in it; SQLite's other files inherit its mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with path.open("rb") as stream:
            head = stream.read(len(_HEAD))
        if head not in (b"", _HEAD):
            raise _damaged(path, "it is no SQLite database")
        connection = sqlite3.connect(
            path, timeout=1.0, check_same_thread=False, isolation_level=None
        )
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.row_factory = sqlite3.Row
    tables = {row["name"] for row in connection.execute("SELECT name FROM sqlite_master")}
    if tables and not tables >= _OURS:
        raise _damaged(path, "it is another program's")
    path.chmod(0o600)
    # FULL: committed transactions survive a power cut too.
    connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    # Deleted data, which may include frames, is overwritten.
    connection.executescript("PRAGMA locking_mode=EXCLUSIVE; PRAGMA secure_delete=ON;")
    connection.executescript((files("edgeecho.service.jobs") / "schema.sql").read_text("utf-8"))


@contextmanager
def output_errors(folder: Path) -> Iterator[None]:
    """Turn errors of a state folder that users can fix into an `OutputError`."""
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
