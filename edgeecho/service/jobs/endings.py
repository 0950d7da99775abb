"""How studies end, for the thread that answers jobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeecho.common.errors import InputError
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.queue import MOST_TRIES, Queue


@dataclass(frozen=True)
class Ending:
    """How a study ends."""

    status: str
    """`answered`, `refused`, `failed`, or `cancelled` if all its clips were."""
    document: Mapping[str, Any] | None = None
    """None unless answered or refused."""
    error: str | None = None
    """Why it failed."""


AnswerStudy = Callable[[Job], Ending]


class StudyEnds:
    """Answers studies from what is known of their clips, without the engine."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._answer: AnswerStudy | None = None
        self._on_end: Callable[[], None] = lambda: None

    def set(self, answer: AnswerStudy, on_end: Callable[[], None]) -> None:
        """See `Runner.answer_studies`."""
        self._answer, self._on_end = answer, on_end

    def store(self, study: Job) -> bool:
        """Answer a study that was begun, and store that. True: it has ended, or waits again since
        more of it has come; `OutputError` if the disk cannot be written."""
        assert self._answer is not None, "nobody said how studies are answered"
        if study.tries > MOST_TRIES:
            end = Ending("failed", error="the service ended each time that it answered this study")
        else:
            end = self._answer(study)
        if self._queue.end(
            study.id,
            end.status,
            document=end.document,
            error=end.error,
            exit_code=InputError.exit_code if end.error else None,
        ):
            self._on_end()
        return True
