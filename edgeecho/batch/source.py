"""Which files a cohort has."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from edgeecho.batch.arrow import arrow
from edgeecho.cine import find_videos
from edgeecho.common.errors import InputError, MissingDependencyError
from edgeecho.common.text import shown_name
from edgeecho.dataset import read_dataset

_LISTS = (".csv", ".parquet")
_COLUMN = "path"


@dataclass(frozen=True)
class Item:
    """One file of a cohort."""

    number: int
    """Its place in the source, from 1."""
    path: str
    """Where it is: a path of this machine, or a URL."""

    @property
    def protocol(self) -> str | None:
        """Such as `s3`; None for a path of this machine."""
        before, found, _ = self.path.partition("://")
        return before.lower() if found else None

    @property
    def name(self) -> str:
        """Its name without folders, which often contain a patient's name."""
        if self.protocol is None:
            return shown_name(Path(self.path))
        return PurePosixPath(unquote(urlsplit(self.path).path)).name or "file"


@dataclass(frozen=True)
class Source:
    """The files of a cohort."""

    items: tuple[Item, ...]
    passed_over: str
    """Such as `2 stills`: what else a folder holds; empty for none."""


def read_source(source: Path) -> Source:
    """The files of a folder, of a list or of an EchoNet-format data set, in a fixed order.

    A list is a CSV or Parquet file with the column `path`: paths, relative to the list's folder,
    or URLs. `InputError` if there are no files or the list cannot be read;
    `MissingDependencyError` if the software to read it or to fetch its URLs is missing.
    """
    if source.is_dir():
        if (source / "FileList.csv").is_file():
            return _source([str(video.path) for video in read_dataset(source)])
        found = find_videos([source])
        return _source(list(map(str, found.files)), found.passed_over_words)
    if source.suffix.lower() not in _LISTS or not source.is_file():
        raise InputError(
            f"{source} is neither a folder nor a list: give a folder of videos, a data set in "
            f"EchoNet's layout, or a {' or '.join(_LISTS)} file with the column {_COLUMN!r}"
        )
    rows = (_parquet if source.suffix.lower() == ".parquet" else _csv)(source)
    paths = [_path(source, row, place) for place, row in enumerate(rows, 1)]
    if not paths:
        raise InputError(f"{source} lists no files")
    made = _source(paths)
    _check_protocols({item.protocol for item in made.items} - {None})
    return made


def _source(paths: Sequence[str], passed_over: str = "") -> Source:
    return Source(tuple(Item(n, path) for n, path in enumerate(paths, 1)), passed_over)


def _path(source: Path, row: Mapping[str, Any], place: int) -> str:
    path = row[_COLUMN]
    if not isinstance(path, str) or not path.strip() or "\0" in path:
        raise InputError(f"{source}, row {place}: {_COLUMN} is no path: complete or remove the row")
    # Nothing is joined to a URL.
    return path.strip() if "://" in path else str(source.parent / path.strip())


def _csv(source: Path) -> list[dict[str, Any]]:
    try:
        with source.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            _check_column(source, reader.fieldnames or [])
            return list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{source} is not a CSV file: {error}") from error


def _parquet(source: Path) -> list[dict[str, Any]]:
    pa, pq = arrow(f"{source.name}: a Parquet list")
    try:
        _check_column(source, pq.read_schema(source).names)
        rows: list[dict[str, Any]] = pq.read_table(source, columns=[_COLUMN]).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source} is not a Parquet file: give another") from error
    return rows


def _check_column(source: Path, columns: Sequence[str]) -> None:
    if _COLUMN not in columns:
        raise InputError(
            f"{source} has no column {_COLUMN!r}, only {', '.join(columns) or 'none'}: rename the "
            "one with the paths"
        )


def _check_protocols(protocols: set[str | None]) -> None:
    """`MissingDependencyError` if files cannot be fetched by one of them."""
    if not protocols:
        return
    try:
        from fsspec import get_filesystem_class

        for protocol in sorted(filter(None, protocols)):
            get_filesystem_class(protocol)
    except (ImportError, ValueError) as error:
        raise MissingDependencyError(
            f"the list has URLs that cannot be fetched here: {error} (pip install "
            "'edgeecho[cohort]', and for s3 also s3fs, for https aiohttp)"
        ) from error
