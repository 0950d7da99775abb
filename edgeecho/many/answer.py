"""Answering the files of a call that have no answer yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from edgeecho.many.record import Record
from edgeecho.many.task import Task
from edgeecho.many.workers import Crew, answer_in_workers
from edgeecho.ready import read_ahead
from edgeecho.report import Outcome


def answer_all(
    task: Task,
    files: Sequence[Path],
    *,
    threads: int = 0,
    crew: Crew | None = None,
    record: Record | None = None,
    tell: Callable[[int], None],
) -> list[Outcome]:
    """What became of each file, in their order; a file that cannot be used ends nothing.

    Answers that `record` holds are taken from it, the others are kept there as they come. `crew`:
    in worker processes; None: here, with `threads`. `tell` is told how many are done. Errors of
    the model and the engine: those of `load_model`; of the record: `OutputError`.
    """
    outcomes = [None if record is None else record.find(file) for file in files]
    places = [place for place, outcome in enumerate(outcomes) if outcome is None]
    tell(len(files) - len(places))
    left = [files[place] for place in places]
    answers = answer_in_workers(task, left, crew) if crew else _answer_here(task, left, threads)
    for place, outcome in answers:
        if record is not None:
            record.add(outcome)
        outcomes[places[place]] = outcome
        tell(sum(o is not None for o in outcomes))
    return [outcome for outcome in outcomes if outcome is not None]


def _answer_here(task: Task, files: Sequence[Path], threads: int) -> Iterator[tuple[int, Outcome]]:
    if not files:
        return
    # The first file is read while the model is loaded, the next one while the engine runs.
    with read_ahead(task.read, files) as reads:
        model = task.load(threads)
        for place, (file, read) in enumerate(zip(files, reads, strict=True)):
            yield place, task.answer(file, read.result, model)
