"""The database of a state folder: all of a change or nothing, for one process, and no trace."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeecho.common.errors import OutputError
from edgeecho.service.jobs.database import NAME, Database, output_errors

JOB = (
    "INSERT INTO job (id, source, status, received, size, sha256, key, delivery) "
    "VALUES (?, 'upload', 'queued', 0, 0, '', NULL, 'none')"
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path)
    yield found
    found.close()


def ids(db: Database) -> list[str]:
    return [row["id"] for row in db.rows("SELECT id FROM job ORDER BY id")]


def test_a_change_that_fails_leaves_nothing(db: Database) -> None:
    with db.changing() as connection:
        connection.execute(JOB, ("a",))
    with pytest.raises(KeyError), db.changing() as connection:
        connection.execute(JOB, ("b",))
        raise KeyError
    assert ids(db) == ["a"]
    with db.changing() as connection:
        connection.execute(JOB, ("c",))
    assert ids(db) == ["a", "c"]


def test_a_change_inside_another_is_a_part_of_it(db: Database) -> None:
    with pytest.raises(KeyError), db.changing() as connection:
        connection.execute(JOB, ("a",))
        with db.changing() as inner:
            inner.execute(JOB, ("b",))
        assert ids(db) == ["a", "b"], "it sees its own changes"
        raise KeyError
    assert ids(db) == []
    with db.changing() as connection:
        with db.changing() as inner:
            inner.execute(JOB, ("a",))
        connection.execute(JOB, ("b",))
    assert ids(db) == ["a", "b"]


def test_it_is_one_processs_and_what_is_deleted_is_overwritten(
    db: Database, tmp_path: Path
) -> None:
    for pragma, value in (("locking_mode", "exclusive"), ("secure_delete", 1)):
        assert db.rows(f"PRAGMA {pragma}")[0][0] == value
    with pytest.raises(OutputError, match="is used by another process"):
        Database(tmp_path)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_an_older_file_becomes_private(tmp_path: Path) -> None:
    Database(tmp_path).close()
    (tmp_path / NAME).chmod(0o644)
    Database(tmp_path).close()
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("head", [b"SQLite format 3", b"SQLite format 4\0", b"\0" * 16, b"x"])
def test_what_is_no_database_is_left_alone(tmp_path: Path, head: bytes) -> None:
    (tmp_path / NAME).write_bytes(head)
    with pytest.raises(OutputError, match="it is no SQLite database"):
        Database(tmp_path)
    assert (tmp_path / NAME).read_bytes() == head


@pytest.mark.parametrize("tables", [("audit",), ("job",), ("other",)])
def test_a_database_without_all_of_our_tables_is_anothers(
    tmp_path: Path, tables: tuple[str, ...]
) -> None:
    connection = sqlite3.connect(tmp_path / NAME)
    for table in tables:
        connection.execute(f"CREATE TABLE {table} (a)")
    connection.close()
    with pytest.raises(OutputError, match="it is another program's"):
        Database(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_disk_that_cannot_be_written_is_no_bug(tmp_path: Path, number: int) -> None:
    with (
        pytest.raises(OutputError, match=f"{tmp_path} cannot be written: why"),
        output_errors(tmp_path),
    ):
        raise OSError(number, "why")
    with pytest.raises(FileNotFoundError), output_errors(tmp_path):
        raise FileNotFoundError(errno.ENOENT, "why")
