"""One thread that answers the jobs of a store, in the order in which they came."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgeecho.errors import EngineError
from edgeecho.jobs.process import EngineProcess, Progress, Stopped
from edgeecho.jobs.store import Job, JobStore
from edgeecho.report import Failure, Outcome
from edgeecho.report.structured import to_document

_IDLE_S = 5.0


class Runner:
    """Takes job after job. `on_end` is told of each that has ended, in the runner's thread."""

    def __init__(
        self,
        store: JobStore,
        engine: EngineProcess,
        *,
        limit_s: float = 120.0,
        on_end: Callable[[Job, Outcome | None], None] = lambda _job, _outcome: None,
    ) -> None:
        self._store, self._engine = store, engine
        self._limit_s, self._on_end = limit_s, on_end
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
            with self._lock:
                job = self._store.begin_next()
                stop = threading.Event()
                self._current = (job.id, stop) if job else None
                self._progress = None
            if job is None:
                self._wake.wait(_IDLE_S)
                continue
            self._answer(job, stop)

    def _answer(self, job: Job, stop: threading.Event) -> None:
        file = self._store.file_of(job.id)
        try:
            outcome = self._engine.answer(
                file, name=job.id, tell=self._note, stop=stop, limit_s=self._limit_s
            )
        except Stopped:
            self._store.put_back(job.id)  # closing; one that was cancelled has ended
            return
        except EngineError as error:
            outcome = Outcome(job.id, Failure.of(error))
        finally:
            with self._lock:
                self._current = None
        if self._end(job, outcome):
            self._on_end(self._store.get(job.id), outcome)

    def _end(self, job: Job, outcome: Outcome) -> bool:
        if isinstance(outcome.answer, Failure):
            return self._store.end(
                job.id,
                "failed",
                error=outcome.answer.message,
                exit_code=outcome.answer.exit_code,
            )
        return self._store.end(job.id, outcome.status, document=to_document([outcome]))

    def _note(self, progress: Progress) -> None:
        with self._lock:
            self._progress = progress
