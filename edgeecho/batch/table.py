"""A cohort's table on disk: a row for each file, once, whatever is killed.

    TABLE/part-000000-*.parquet   at most 16 rows each, written whole or not at all
    TABLE/_cohort.json            which model and options the rows are of
    TABLE/_known/                 parts whose files are not in the source any more, or have changed
    TABLE/_fetched/               files of URLs, for as long as they are needed

Readers of data sets pass over names that begin with `_`. A file's row is found by the SHA-256 of
its content, so nothing is computed twice, under whatever name.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeecho.batch.lock import locked
from edgeecho.batch.parts import PartFormat
from edgeecho.batch.row import Row, engine_of, is_final, is_of
from edgeecho.batch.source import Item
from edgeecho.batch.task import Task
from edgeecho.common.about import VERSION
from edgeecho.common.errors import EngineError, OutputError
from edgeecho.common.files import make_folder
from edgeecho.common.journal import Journal

BLOCK = 16
"""Rows of a part, and so what a kill can cost beside the files that workers have."""
_HEAD, _LOCK, _KNOWN, _FETCHED = "_cohort.json", "_lock", "_known", "_fetched"
_PART = re.compile(r"part-(\d+)-[0-9a-f]{12}\.(parquet|csv)")
_IDENTITY = (
    "Number", "FileName", "Path", "FileSHA256", "ExitCode", "Engine", "Arithmetic", "Device",
    "Status",
)  # fmt: skip


class Table:
    """The rows of a table, to which new ones are added; for one thread."""

    def __init__(self, folder: Path, form: PartFormat, *, paths: bool) -> None:
        self._folder, self._form, self.paths = folder, form, paths
        self._known: dict[str, Path] = {}
        """The part with a row of that content."""
        self._waiting: list[Row] = []
        self.engine: str | None = None
        """What answered its rows, see `engine_of`; None as long as nothing did."""
        self._next = 0
        self.done: dict[int, str] = {}
        """Status of each file that has a row, by its number."""

    @property
    def fetched(self) -> Path:
        """Where files may be fetched to."""
        return self._folder / _FETCHED

    @property
    def marker(self) -> Path:
        """A file by which a machine knows that it sees the table."""
        return self._folder / _HEAD

    @property
    def begun(self) -> bool:
        """Whether there are rows from before."""
        return bool(_parts(self._folder))

    def take_up(
        self, items: Sequence[Item], sha256_of: Callable[[Item], str | None], *, retry: bool = False
    ) -> None:
        """Keep the parts whose rows are of `items` as they are now; the answers in other parts
        are used again for files of their content. `retry`: errors are not."""

        def lasts(row: Row) -> bool:
            return is_final(row) and not (retry and row["Status"] == "error")

        for path in _parts(self._folder / _KNOWN):
            self._note(path, filter(lasts, self._form.read(path, _IDENTITY)))
        with ThreadPoolExecutor(4, "edgeecho-check") as pool:
            for path in _parts(self._folder):
                rows = self._form.read(path, _IDENTITY)
                theirs = [self._item_of(row, items) for row in rows]
                found = [item for item in theirs if item is not None]
                hashes = list(pool.map(sha256_of, found)) if len(found) == len(rows) else []
                if hashes == [row["FileSHA256"] for row in rows] and all(map(lasts, rows)):
                    self.done |= {row["Number"]: row["Status"] for row in rows}
                else:
                    make_folder(self._folder / _KNOWN)
                    path = path.replace(self._folder / _KNOWN / path.name)  # noqa: PLW2901
                self._note(path, filter(lasts, rows))

    def find(self, sha256: str) -> Row | None:
        """The row of a file of that content; None if it has to be answered."""
        path = self._known.get(sha256)
        rows = self._form.read(path) if path else self._waiting
        return next((r for r in rows if r["FileSHA256"] == sha256 and is_final(r)), None)

    def add(self, row: Row) -> None:
        """Add a row. `OutputError` if another engine answered it than the others, or a part cannot
        be written; `EngineError` if the engine failed a whole block."""
        engine = engine_of(row)
        if engine and self.engine and engine != self.engine:
            raise OutputError(
                f"{self._folder} holds answers of {self.engine}, and this is {engine}: choose "
                "another --out, or the same engine"
            )
        self.engine = self.engine or engine
        self._waiting.append(row)
        self.done[row["Number"]] = row["Status"]
        if len(self._waiting) == BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait; see `add`."""
        rows, self._waiting = self._waiting, []
        if len(rows) == BLOCK and all(row["ExitCode"] == EngineError.exit_code for row in rows):
            raise EngineError(
                f"{BLOCK} files in a row have no answer, the last: {rows[-1]['Error']}"
            )
        if rows:
            self._note(self._form.write(self._folder, self._next, rows), rows)

    def close(self) -> None:
        """Write the rows that wait, and remove parts whose answers are all in others."""
        self.flush()
        for path in set(_parts(self._folder / _KNOWN)) - set(self._known.values()):
            path.unlink()

    def rows(self) -> Iterator[Row]:
        """All rows, in the order in which they were written."""
        for path in _parts(self._folder):
            yield from self._form.read(path)

    def _item_of(self, row: Row, items: Sequence[Item]) -> Item | None:
        """The item that a row names; None if there is none, or another row has it."""
        number = row["Number"]
        if number in self.done or not 0 < number <= len(items):
            return None
        return items[number - 1] if is_of(row, items[number - 1], paths=self.paths) else None

    def _note(self, path: Path, rows: Iterable[Row]) -> None:
        for row in rows:
            if is_final(row):
                self._known[row["FileSHA256"]] = path
            self.engine = engine_of(row) or self.engine
        found = _PART.fullmatch(path.name)
        self._next = max(self._next, int(found[1]) + 1 if found else 0)


@contextmanager
def open_table(folder: Path, form: PartFormat, task: Task, *, paths: bool) -> Iterator[Table]:
    """Open or begin a table of the answers of `task`.

    `OutputError` if it belongs to another model, clip mode or handling, is damaged, holds something
    else, or is in use by another process.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is not a folder: choose another --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _LOCK).exists():
        raise OutputError(f"{folder} holds something else: choose another --out")
    make_folder(folder)
    with locked(folder / _LOCK, "choose another --out"):
        key = {"format": form.suffix, "paths": paths, **key_of(task)}
        Journal(folder / _HEAD, "edgeecho_cohort", 1, "edgeecho cohort", "--out").take_up(key)
        for left in folder.glob(".part-*"):  # of a process that was killed
            left.unlink(missing_ok=True)
        shutil.rmtree(folder / _FETCHED, ignore_errors=True)
        try:
            yield Table(folder, form, paths=paths)
        finally:
            shutil.rmtree(folder / _FETCHED, ignore_errors=True)


def key_of(task: Task) -> dict[str, Any]:
    """Everything that an answer depends on, except for the video and the engine."""
    model = task.model
    return {
        "model_sha256": model.sha256,
        "shared_sha256": model.shared and model.shared.sha256,
        "preprocess_sha256": model.preprocess.sha256(),
        # For intervals and refusals: the same network may have been calibrated again.
        "trust_sha256": (model.uncertainty or {}).get("sha256"),
        # For the warnings in every answer.
        "skill": model.skill and asdict(model.skill),
        "assumed": model.assumed,
        "segmentation_sha256": model.segmentation and model.segmentation.sha256,
        "clips": task.clips,
        # Without a segmentation there are none, whatever the rule.
        "beats": task.beats if model.segmentation else None,
        # As JSON gives it back.
        "handling": {**asdict(task.handling), "views": dict(task.handling.views.meanings)},
        "fps": task.fps,
        "edgeecho": VERSION,
    }


def _parts(folder: Path) -> list[Path]:
    """In the order in which they were written."""
    found = [path for path in folder.glob("part-*") if _PART.fullmatch(path.name)]
    return sorted(found)
