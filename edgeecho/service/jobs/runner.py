"""A thread that answers the jobs of a queue in the order in which they came, and their studies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from edgeecho.common.console import words
from edgeecho.common.errors import EdgeEchoError, OutputError
from edgeecho.report.structured import to_document
from edgeecho.results import Failure, Outcome
from edgeecho.service.jobs.endings import AnswerStudy, StudyEnds
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.lane import ClipLane
from edgeecho.service.jobs.process import EngineProcess, Stopped, failed
from edgeecho.service.jobs.queue import MOST_TRIES, Queue
from edgeecho.service.jobs.room import Retry
from edgeecho.service.jobs.studies import STUDY
from edgeecho.service.jobs.work import Progress

_IDLE_S = 1.0
"""Studies become due while nothing comes."""
_FAREWELL_S = 30.0

BeforeEnd = Callable[[Job, Outcome], None]
OnEnd = Callable[[Job, Outcome | None], None]


@dataclass
class _Running:
    """The job that is being answered."""

    job: Job
    stop: threading.Event = field(default_factory=threading.Event)
    progress: Progress | None = None


class Runner:
    """Answers jobs one by one.

    `render` makes a result's further formats, which are stored with it. `on_end` gets each job
    that has ended, `on_change` the id of each that was accepted, begun or made progress: in the
    runner's thread, or in that of `wake` or `cancel`.

    While the disk cannot be written, no job is answered, and no answer is lost.
    """

    def __init__(
        self,
        queue: Queue,
        engine: EngineProcess,
        *,
        limit_s: float = 120.0,
        render: Callable[[Outcome], Mapping[str, str]] = lambda _outcome: {},
        on_end: OnEnd = lambda _job, _outcome: None,
        on_change: Callable[[str], None] = lambda _job_id: None,
    ) -> None:
        self._queue, self._engine = queue, engine
        self._limit_s, self._render, self._on_change = limit_s, render, on_change
        self._draft: BeforeEnd = lambda _job, _outcome: None
        self._on_end = on_end
        self._studies = StudyEnds(queue)
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._wake, self._closing = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._disk = Retry(self._closing)
        self.clips = ClipLane(self._wake.set)
        """Clips for the network alone, run between two jobs."""

    def answer_studies(
        self, *, draft: BeforeEnd, answer: AnswerStudy, on_end: Callable[[], None]
    ) -> None:
        """Say before `start` how studies are answered, without the engine.

        `draft` is called with every outcome of a file before it is stored, so that what it writes
        exists when the job has ended; `answer` with every study. Both are called again if that
        could not be stored, and may raise `OutputError`. `on_end` is called when a study has ended.
        """
        self._draft = draft
        self._studies.set(answer, on_end)

    def start(self) -> None:
        """Load the model, then begin; errors as in `EngineProcess.start`."""
        self._engine.start()
        self._thread.start()

    def close(self) -> None:
        """Stop at once; the running job waits for the next start."""
        self._closing.set()
        self._wake.set()
        with self._lock:
            if self._running:
                self._running.stop.set()
        if self._thread.is_alive():
            # The thread checks 20 times a second; a disk that hangs must not block the service.
            self._thread.join(_FAREWELL_S)
        self._engine.close()
        self.clips.close()

    @property
    def alive(self) -> bool:
        """False after it was ended by a model that can no longer be loaded or by a bug; then no job
        is answered."""
        return self._thread.is_alive()

    @property
    def waits_for_disk(self) -> bool:
        """Whether no job is answered because the disk is full or cannot be written."""
        return self._disk.waits

    def wake(self, job_id: str) -> None:
        """Called when a job was accepted."""
        self._wake.set()
        self._on_change(job_id)

    def progress(self, job_id: str) -> Progress | None:
        """Progress of the running job; None for any other."""
        with self._lock:
            running = self._running
            return running.progress if running and running.job.id == job_id else None

    def cancel(self, job_id: str) -> Job:
        """Cancel a job; one that has ended stays as it is. `KeyError` if there is none."""
        job = self._queue.get(job_id)
        if job.ended:
            return job
        with self._lock:
            cancelled = self._queue.end(job_id, "cancelled")
            if self._running and self._running.job.id == job_id:
                self._running.stop.set()
        if cancelled:
            self._tell(job_id, None)
        return self._queue.get(job_id)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            ran = self.clips.run_next(self._engine, self._closing, self._limit_s)
            running = self._disk.until_written(self._begin)
            if running is None:
                self._wake.wait(0 if ran else _IDLE_S)
            elif running.job.source == STUDY:
                self._end_study(running.job)
            else:
                self._on_change(running.job.id)
                self._answer(running)

    def _begin(self) -> _Running | None:
        self._queue.room.has_disk()  # reports that there is room again
        self._queue.studies.forget()
        with self._lock:
            job = self._queue.begin_next()
            self._running = _Running(job) if job else None
            return self._running

    def _answer(self, running: _Running) -> None:
        job, outcome = running.job, None
        try:
            with suppress(Stopped):  # closing, or the job was cancelled and has ended
                outcome = self._outcome(running)
        except EdgeEchoError as error:  # the model can no longer be loaded: no file's fault
            self._closing.set()
            words.print(f"studies are not answered any more: {error}")
        finally:
            with self._lock:
                self._running = None
        if outcome is None or not self._disk.until_written(partial(self._end, job, outcome)):
            with suppress(OutputError):  # then the next start does it
                self._queue.put_back(job.id)

    def _outcome(self, running: _Running) -> Outcome:
        job = running.job
        if job.tries > MOST_TRIES:
            return failed(
                job.id,
                "the service ended each time that it answered this file: it is damaged, or there "
                "is too little memory",
            )

        def note(progress: Progress) -> None:
            with self._lock:
                running.progress = progress
            self._on_change(job.id)

        return self._engine.answer(
            self._queue.file_of(job.id),
            name=job.id,
            on_progress=note,
            stop=running.stop,
            limit_s=self._limit_s,
        )

    def _end(self, job: Job, outcome: Outcome) -> bool:
        """True: it has ended, now or earlier."""
        self._draft(job, outcome)
        end, answer = partial(self._queue.end, job.id), outcome.answer
        if isinstance(answer, Failure):
            ended = end("failed", error=answer.message, exit_code=answer.exit_code)
        else:
            document, forms = to_document([outcome]), self._render(outcome)
            ended = end(outcome.status, document=document, forms=forms)
        if ended:
            self._tell(job.id, outcome)
        return True

    def _end_study(self, job: Job) -> None:
        if not self._disk.until_written(partial(self._studies.store, job)):  # closing
            with suppress(OutputError):  # then the next start does it
                self._queue.put_back(job.id)

    def _tell(self, job_id: str, outcome: Outcome | None) -> None:
        self._on_end(self._queue.get(job_id), outcome)
