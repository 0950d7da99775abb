"""One thread that answers the jobs of a store, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from edgeecho.common.console import words
from edgeecho.common.errors import EdgeEchoError, InputError, OutputError
from edgeecho.report.structured import to_document
from edgeecho.results import Failure, Outcome
from edgeecho.service.jobs.job import Job
from edgeecho.service.jobs.process import EngineProcess, Progress, Stopped
from edgeecho.service.jobs.store import MOST_TRIES, JobStore

_IDLE_S = 5.0
_DISK_S = 2.0
"""How long to wait for a disk that is full."""
_FAREWELL_S = 30.0

BeforeEnd = Callable[[Job, Outcome], None]
OnEnd = Callable[[Job, Outcome | None], None]


class Runner:
    """Takes job after job.

    `render` gives the forms of a result that are kept beside it. `on_end` is told of each job that
    has ended, `on_change` by its id of each that was accepted, begun or came further: in the
    runner's thread, or in that of `wake` or `cancel`.

    A disk that cannot be written stops it for as long, and costs no answer; that it begins and that
    it is over is said once, on stderr.
    """

    def __init__(
        self,
        store: JobStore,
        engine: EngineProcess,
        *,
        limit_s: float = 120.0,
        render: Callable[[Outcome], Mapping[str, str]] = lambda _outcome: {},
        on_end: OnEnd = lambda _job, _outcome: None,
        on_change: Callable[[str], None] = lambda _job_id: None,
    ) -> None:
        self._store, self._engine = store, engine
        self._limit_s, self._render, self._on_change = limit_s, render, on_change
        self._before_end: list[BeforeEnd] = []
        self._on_end: list[OnEnd] = [on_end]
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._current: tuple[str, threading.Event] | None = None
        self._progress: Progress | None = None
        self._waits_for_disk = False

    def add_hooks(self, *, before_end: BeforeEnd, on_end: OnEnd) -> None:
        """Before `start`: more who want to know.

        `before_end` is called with every outcome before the store has it, and again if that could
        not be written: what it writes is there when the job has ended. It may raise `OutputError`.
        """
        self._before_end.append(before_end)
        self._on_end.append(on_end)

    def start(self) -> None:
        """Load the model, then begin; the errors of `EngineProcess.start`."""
        self._engine.start()
        self._thread.start()

    def close(self) -> None:
        """Stop at once; what was running waits for the next start."""
        self._closing.set()
        self._wake.set()
        with self._lock:
            if self._current:
                self._current[1].set()
        if self._thread.is_alive():
            # It looks up 20 times a second; a disk that hangs must not hold the service up.
            self._thread.join(_FAREWELL_S)
        self._engine.close()

    @property
    def alive(self) -> bool:
        """False: something ended it, a model that cannot be loaded any more or a bug, and no job is
        answered."""
        return self._thread.is_alive()

    @property
    def waits_for_disk(self) -> bool:
        """Whether no job is answered since the disk is full, or cannot be written."""
        return self._waits_for_disk

    def wake(self, job_id: str) -> None:
        """That job was accepted."""
        self._wake.set()
        self._on_change(job_id)

    def progress(self, job_id: str) -> Progress | None:
        """Of the job that is running; None of any other."""
        with self._lock:
            running = self._current is not None and self._current[0] == job_id
            return self._progress if running else None

    def cancel(self, job_id: str) -> Job:
        """Give a job up; one that has ended stays as it is. `KeyError` where there is none."""
        job = self._store.get(job_id)
        if job.ended:
            return job
        with self._lock:
            cancelled = self._store.end(job_id, "cancelled")
            if self._current and self._current[0] == job_id:
                self._current[1].set()
        if cancelled:
            self._tell(job_id, None)
        return self._store.get(job_id)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            try:
                self._store.has_disk()  # so that it says when there is room again
                begun = self._begin()
            except OutputError as error:
                self._wait_for_disk(error)
                continue
            self._go_on()
            if begun is None:
                self._wake.wait(_IDLE_S)
                continue
            self._on_change(begun[0].id)
            self._answer(*begun)

    def _begin(self) -> tuple[Job, threading.Event] | None:
        with self._lock:
            job = self._store.begin_next()
            self._progress = None
            if job is None:
                return None
            stop = threading.Event()
            self._current = (job.id, stop)
            return job, stop

    def _answer(self, job: Job, stop: threading.Event) -> None:
        try:
            outcome = self._outcome(job, stop)
        except Stopped:
            self._put_back(job)  # closing; one that was cancelled has ended
            return
        except EdgeEchoError as error:  # the model cannot be loaded any more: no study's fault
            self._put_back(job)
            self._closing.set()
            words.print(f"studies are not answered any more: {error}")
            return
        finally:
            with self._lock:
                self._current = None
        while not self._closing.is_set():
            try:
                ended = self._end(job, outcome)
                self._go_on()
                if ended:
                    self._tell(job.id, outcome)
                return
            except OutputError as error:
                self._wait_for_disk(error)
        self._put_back(job)

    def _wait_for_disk(self, error: OutputError) -> None:
        if not self._waits_for_disk:
            self._waits_for_disk = True
            words.print(f"nothing is answered until the disk can be written: {error}")
        self._closing.wait(_DISK_S)

    def _go_on(self) -> None:
        if self._waits_for_disk:
            self._waits_for_disk = False
            words.print("the disk can be written again: studies are answered")

    def _outcome(self, job: Job, stop: threading.Event) -> Outcome:
        if job.tries > MOST_TRIES:
            error = InputError(
                f"{job.id}: the service ended each time that it answered this file: it is damaged, "
                "or there is too little memory"
            )
            return Outcome(job.id, Failure.of(error))
        return self._engine.answer(
            self._store.file_of(job.id),
            name=job.id,
            tell=self._note,
            stop=stop,
            limit_s=self._limit_s,
        )

    def _put_back(self, job: Job) -> None:
        with suppress(OutputError):  # then the next start does it
            self._store.put_back(job.id)

    def _end(self, job: Job, outcome: Outcome) -> bool:
        for write in self._before_end:
            write(job, outcome)
        if isinstance(outcome.answer, Failure):
            return self._store.end(
                job.id,
                "failed",
                error=outcome.answer.message,
                exit_code=outcome.answer.exit_code,
            )
        return self._store.end(
            job.id,
            outcome.status,
            document=to_document([outcome]),
            forms=self._render(outcome),
        )

    def _tell(self, job_id: str, outcome: Outcome | None) -> None:
        job = self._store.get(job_id)
        for tell in self._on_end:
            tell(job, outcome)

    def _note(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress
            job_id = self._current[0] if self._current else None
        if job_id is not None:
            self._on_change(job_id)
