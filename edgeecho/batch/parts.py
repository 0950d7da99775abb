"""The files of a table, each with some rows: Parquet or CSV.

The first digits of their SHA-256 are in their names, so that a damaged or edited one is noticed.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeecho.batch.arrow import arrow
from edgeecho.batch.row import COLUMNS, Row
from edgeecho.common.about import RESEARCH_USE
from edgeecho.common.errors import OutputError
from edgeecho.common.files import atomic_path

_DIGITS = 12


@dataclass(frozen=True)
class PartFormat:
    """How rows are stored."""

    suffix: str
    encode: Callable[[Sequence[Row]], bytes]
    decode: Callable[[bytes, Sequence[str]], list[Row]]
    check: Callable[[], object]
    """`MissingDependencyError` if it cannot be used here."""

    def write(self, folder: Path, number: int, rows: Sequence[Row]) -> Path:
        """Write a part: whole, or not at all. `OutputError` if that is impossible."""
        content = self.encode(rows)
        path = folder / f"part-{number:06d}-{_digits(content)}{self.suffix}"
        with atomic_path(path) as temporary:
            temporary.write_bytes(content)
        return path

    def read(self, path: Path, columns: Sequence[str] = tuple(COLUMNS)) -> list[Row]:
        """The rows of a part; `OutputError` if they are not as they were written."""
        try:
            content = path.read_bytes()
            if _digits(content) != path.stem.rpartition("-")[2]:
                raise ValueError
            return self.decode(content, columns)
        except (OSError, ValueError, KeyError) as error:
            raise OutputError(
                f"{path} is damaged or was changed: remove it, and its files are answered again"
            ) from error


def _digits(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def _to_parquet(rows: Sequence[Row]) -> bytes:
    pa, pq = arrow("Parquet")
    kinds = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    fields = [(name, kinds[kind]) for name, kind in COLUMNS.items()]
    schema = pa.schema(fields, metadata={"research_use": RESEARCH_USE})
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), stream, compression="zstd")
    return stream.getvalue()


def _of_parquet(content: bytes, columns: Sequence[str]) -> list[Row]:
    _, pq = arrow("Parquet")
    rows: list[Row] = pq.read_table(io.BytesIO(content), columns=list(columns)).to_pylist()
    return rows


def _to_csv(rows: Sequence[Row]) -> bytes:
    stream = io.StringIO()
    write_csv(stream, rows)
    return stream.getvalue().encode()


def write_csv(stream: io.TextIOBase, rows: Sequence[Row], leave_out: Sequence[str] = ()) -> None:
    """A header and the rows; numbers have all the digits that they need."""
    names = [name for name in COLUMNS if name not in leave_out]
    writer = csv.DictWriter(stream, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _of_csv(content: bytes, columns: Sequence[str]) -> list[Row]:
    csv.field_size_limit(len(content))  # Result of a long video has more than the usual limit
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [
        {name: COLUMNS[name](row[name]) if row[name] else None for name in columns} for row in rows
    ]


FORMATS: Mapping[str, PartFormat] = {
    "parquet": PartFormat(
        ".parquet", _to_parquet, _of_parquet, lambda: arrow("a table in Parquet")
    ),
    "csv": PartFormat(".csv", _to_csv, _of_csv, lambda: None),
}
