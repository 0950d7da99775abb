"""Answering the files of a cohort that have no row yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from edgeecho.batch.crew import Crew
from edgeecho.batch.row import Row, make_row, row_for
from edgeecho.batch.source import Item
from edgeecho.batch.staging import Stage, Staged, staged
from edgeecho.batch.table import Table
from edgeecho.batch.task import Task
from edgeecho.batch.worker import Asked
from edgeecho.batch.workers import answer_in_workers
from edgeecho.common.console import words
from edgeecho.common.errors import InputError, OutputError
from edgeecho.results import Failure, Outcome


@dataclass
class Tally:
    """How far a cohort is."""

    files: int
    done: int = 0
    """Files that have a row."""
    answered_now: int = 0
    """Files that went through the engine, or failed, in this call."""


def answer_cohort(
    task: Task,
    items: Sequence[Item],
    table: Table,
    crew: Crew,
    limit_s: float,
    on_progress: Callable[[Tally], None],
    *,
    retry: bool = False,
) -> Tally:
    """Give every file of `items` its row in `table`; afterwards each has one.

    `retry`: files whose row is an error are tried again.
    A file that cannot be used has a row that says so. Errors: those of `Table.add`; `EdgeEchoError`
    if the model cannot be loaded.
    """
    stage = Stage(table.fetched, task.limits.megabytes)
    if table.begun:
        words.print("going on: checking which files have their row")
    table.take_up(items, lambda item: _sha256(stage, item), retry=retry)
    cohort = _Cohort(table, Tally(len(items), len(table.done)), on_progress)
    on_progress(cohort.tally)
    left = (item for item in items if item.number not in table.done)
    with staged(stage, left) as files:
        answers = answer_in_workers(crew, cohort.ask(files), limit_s, give_up=True)
        with closing(answers):
            try:
                for number, outcome in answers:
                    cohort.answered(number, outcome)
            except OutputError:
                raise
            except BaseException:  # Ctrl-C too: keep what is answered
                table.flush()
                raise
    table.close()
    return cohort.tally


class _Cohort:
    """Files on their way from the source into the table."""

    def __init__(self, table: Table, tally: Tally, on_progress: Callable[[Tally], None]) -> None:
        self._table, self.tally, self._on_progress = table, tally, on_progress
        self._asked: dict[int, Staged] = {}
        self._same: dict[str, list[Staged]] = {}
        """Files whose content is being answered under another name."""

    def ask(self, files: Iterator[Staged]) -> Iterator[Asked]:
        """The files that need an engine; all others get their row here."""
        for file in files:
            known = self._table.find(file.sha256) if file.sha256 else None
            if file.error:
                self._add(file, self._row(file, Outcome(file.item.name, Failure.of(file.error))))
            elif known:
                self._add(file, row_for(known, file.item, paths=self._table.paths))
            elif file.sha256 in self._same:
                self._same[file.sha256].append(file)
            else:
                if file.sha256:
                    self._same[file.sha256] = []
                self._asked[file.item.number] = file
                yield file.item.number, file.file

    def answered(self, number: int, outcome: Outcome) -> None:
        """Add the rows of a file and of those with its content."""
        file = self._asked.pop(number)
        self.tally.answered_now += 1
        same = [file, *self._same.pop(file.sha256 or "", [])]
        changed = outcome.sha256 not in (None, file.sha256)
        if changed:
            name = file.item.name
            error = InputError(f"{name}: it changed while it was read: run the same command again")
            outcome = Outcome(name, Failure.of(error))
        row = self._row(file, outcome, None if changed else file.sha256)
        for one in same:
            self._add(one, row_for(row, one.item, paths=self._table.paths))

    def _row(self, file: Staged, outcome: Outcome, sha256: str | None = None) -> Row:
        return make_row(file.item, outcome, sha256, paths=self._table.paths)

    def _add(self, file: Staged, row: Row) -> None:
        self._table.add(row)
        file.drop()
        self.tally.done += 1
        self._on_progress(self.tally)


def _sha256(stage: Stage, item: Item) -> str | None:
    found = stage.take(item)
    found.drop()
    return found.sha256
