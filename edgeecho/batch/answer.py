"""Answering all files of a call."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import cast

from edgeecho.batch.processes import Processes, WorkerPlan
from edgeecho.batch.task import Task
from edgeecho.batch.worker import Answered
from edgeecho.batch.workers import answer_in_workers
from edgeecho.common.console import words
from edgeecho.common.cpu import usable_cores
from edgeecho.common.watch import Hung, Watched
from edgeecho.inference import read_ahead
from edgeecho.results import Outcome

LIMIT_S = 600.0
"""Default time limit per file in s; a file that takes longer is given up."""


def answer_all(
    task: Task,
    files: Sequence[Path],
    *,
    threads: int = 0,
    plan: WorkerPlan | None = None,
    limit_s: float = LIMIT_S,
    on_progress: Callable[[int], None],
) -> list[Outcome]:
    """Return the outcome of each file, in their order; an unusable file does not end the call.

    With `plan`, files are answered in worker processes, otherwise in this one with `threads`. A
    file that takes longer than `limit_s` is tried once more, in a process that can be killed.
    `on_progress` gets the number of files done. Errors: see `load_model`.
    """
    if plan:
        answers = answer_in_workers(Processes(task, plan), enumerate(files), limit_s)
    else:
        answers = _answer_here(task, files, threads, limit_s)
    outcomes: dict[int, Outcome] = {}
    on_progress(0)
    with closing(answers):
        for place, outcome in answers:
            outcomes[place] = outcome
            on_progress(len(outcomes))
    return [outcomes[place] for place in range(len(files))]


def _answer_here(
    task: Task, files: Sequence[Path], threads: int, limit_s: float
) -> Generator[Answered, None, None]:
    """Answer in this process until something hangs; then in a worker, which can be killed."""
    if not files:
        return
    answers = Watched(_answer_each(task, files, threads))
    with closing(answers):
        done, loaded = 0, False
        try:
            answers.next(task.load_limit_s)
            loaded = True
            for done in range(len(files)):
                yield done, cast(Outcome, answers.next(limit_s))
            return
        except Hung:
            pass
    words.print("no answer for too long: going on in another process")
    cores = usable_cores()
    crew = Processes(task, WorkerPlan(1, threads or cores, cores))
    left = answer_in_workers(crew, enumerate(files[done:]), limit_s, first_was_tried=loaded)
    with closing(left):
        for place, outcome in left:
            yield done + place, outcome


def _answer_each(
    task: Task, files: Sequence[Path], threads: int
) -> Generator[Outcome | None, None, None]:
    """Yield None once the model is loaded, then the outcome of each file."""
    # The first file is read while the model is loaded, the next ones while the engine runs.
    with read_ahead(task.read, files) as reads:
        model = task.load(threads)
        yield None
        for file, read in zip(files, reads, strict=True):
            yield task.answer(file, read.result, model)
