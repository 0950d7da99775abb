"""One thread that answers the jobs of a store, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from edgeecho.errors import EngineError, OutputError
from edgeecho.jobs.process import EngineProcess, Progress, Stopped
from edgeecho.jobs.store import Job, JobStore
from edgeecho.report import Failure, Outcome
from edgeecho.report.structured import to_document

_IDLE_S = 5.0
_DISK_S = 2.0


class Runner:
    """Takes job after job.

    `render` gives the forms of a result that are kept beside it. `on_end` is told of each job that
    has ended, `on_change` by its id of each that was begun or came further: in the runner's thread,
    or in that of `cancel`.
    """

    def __init__(
        self,
        store: JobStore,
        engine: EngineProcess,
        *,
        limit_s: float = 120.0,
        render: Callable[[Outcome], Mapping[str, str]] = lambda _outcome: {},
        on_end: Callable[[Job, Outcome | None], None] = lambda _job, _outcome: None,
        on_change: Callable[[str], None] = lambda _job_id: None,
    ) -> None:
        self._store, self._engine = store, engine
        self._limit_s, self._render = limit_s, render
        self._on_end, self._on_change = on_end, on_change
        self._thread = threading.Thread(target=self._run, name="runner", daemon=True)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._current: tuple[str, threading.Event] | None = None
        self._progress: Progress | None = None

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
            self._thread.join()
        self._engine.close()

    @property
    def alive(self) -> bool:
        """False: something ended it, and no job is answered any more."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """A job was accepted."""
        self._wake.set()

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
        job = self._store.get(job_id)
        if cancelled:
            self._on_end(job, None)
        return job

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            stop = threading.Event()
            try:
                job = self._begin_next(stop)
            except OutputError:  # the disk is full: it may not stay so
                self._closing.wait(_DISK_S)
                continue
            if job is None:
                self._wake.wait(_IDLE_S)
                continue
            self._on_change(job.id)
            self._answer(job, stop)

    def _begin_next(self, stop: threading.Event) -> Job | None:
        with self._lock:
            job = self._store.begin_next()
            self._current = (job.id, stop) if job else None
            self._progress = None
        return job

    def _answer(self, job: Job, stop: threading.Event) -> None:
        file = self._store.file_of(job.id)
        try:
            outcome = self._engine.answer(
                file, name=job.id, tell=self._note, stop=stop, limit_s=self._limit_s
            )
        except Stopped:
            # Closing; one that was cancelled has ended. On a full disk it is begun once too often.
            with suppress(OutputError):
                self._store.put_back(job.id)
            return
        except EngineError as error:
            outcome = Outcome(job.id, Failure.of(error))
        finally:
            with self._lock:
                self._current = None
        if self._end(job, outcome):
            self._on_end(self._store.get(job.id), outcome)

    def _end(self, job: Job, outcome: Outcome) -> bool:
        """Write what became of it; on a full disk, as soon as there is room."""
        while True:
            try:
                return self._write_end(job, outcome)
            except OutputError:
                if self._closing.wait(_DISK_S):
                    return False  # the next start answers it again

    def _write_end(self, job: Job, outcome: Outcome) -> bool:
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

    def _note(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress
            job_id = self._current[0] if self._current else None
        if job_id is not None:
            self._on_change(job_id)
