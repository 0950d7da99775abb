"""Job store, runner, changes and metrics as one object for the API, safe for all threads."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path

from edgeecho.batch import Task
from edgeecho.common.about import VERSION
from edgeecho.results import Answer, Outcome
from edgeecho.service.http.changes import Changes
from edgeecho.service.http.formats import render
from edgeecho.service.http.metrics import STATUSES, Metrics
from edgeecho.service.http.settings import HttpSettings
from edgeecho.service.http.show import show
from edgeecho.service.http.views import AboutView, JobView, ModelView
from edgeecho.service.jobs import EngineProcess, Job, JobStore, Runner

# Assumed time of an answer before the first one.
_FIRST_GUESS_S = 5.0
# Weight of the last job in the typical time of one.
_WEIGHT = 0.3


class Service:
    """Call `start` to load the model; after `close`, its store may be closed."""

    def __init__(
        self,
        store: JobStore,
        task: Task,
        settings: HttpSettings,
        *,
        threads: int = 0,
        limit_s: float = 120.0,
    ) -> None:
        self.store, self.settings = store, settings
        self.changes, self.metrics = Changes(), Metrics()
        self.node_counts: Callable[[], Mapping[str, int]] = dict
        """Counts of a DICOM node beside this service."""
        self.node_alive: Callable[[], bool] = lambda: True
        self.closing = threading.Event()
        """When set, streams end."""
        self.task = task
        self._lock = threading.Lock()
        self._ends: dict[str, Future[Job]] = {}
        self._coming: set[object] = set()
        self._typical_s = _FIRST_GUESS_S
        self.runner = Runner(
            store.queue,
            EngineProcess(task, threads=threads),
            limit_s=limit_s,
            render=render,
            on_end=self._note_end,
            on_change=self._note_change,
        )

    def start(self) -> None:
        """Load the model and answer what waits; errors as in `load_model`."""
        self.runner.start()

    def close(self) -> None:
        """Stop; the next start answers what was in progress."""
        self.closing.set()
        self.runner.close()

    @property
    def alive(self) -> bool:
        """False after a part of it has ended; it must then be restarted."""
        return self.runner.alive and self.node_alive()

    def unready(self) -> str | None:
        """The reason why jobs are not taken or answered, in one line; None if they are."""
        if not self.alive or self.closing.is_set():
            return "no jobs are answered: look at the service's log"
        if self.runner.waits_for_disk or not self.store.queue.room.has_disk():
            return "the service's disk is full, or cannot be written: make room"
        return None

    def take_place(self) -> object:
        """Reserve a place in the queue for a file that is coming in; errors as in `Room.check`."""
        place = object()
        with self._lock:
            self.store.queue.room.check(math.ceil(self._typical_s), coming=len(self._coming))
            self._coming.add(place)
        return place

    def give_place(self, place: object) -> None:
        """Release the place of a file that came in or failed. The event loop calls this, so it must
        not wait for the lock, whose holder may wait for the disk."""
        self._coming.discard(place)

    def accept(self, part: Path, key: str | None) -> Job:
        """Make a job of an upload; see `Queue.accept`."""
        # Prefixed, so that keys of uploads differ from those of DICOM objects.
        job = self.store.queue.accept(part, "upload", key=key and f"upload {key}")
        self.runner.wake(job.id)
        return job

    def when_ended(self, job_id: str) -> Future[Job]:
        """The job once it has ended; one caller may wait for a job."""
        future = self._ends[job_id] = Future()
        job = self.store.queue.get(job_id)
        if job.ended:
            self._tell_end(job)
        return future

    def review(self, job_id: str, decision: str, note: str) -> None:
        """Add a decision to the audit trail; `KeyError` if there is no such job."""
        self.store.trail.add(job_id, decision, {"note": note})
        self.changes.mark([job_id])

    def metrics_text(self) -> bytes:
        jobs = {status: self.store.queue.count(status) for status in STATUSES}
        return self.metrics.text(jobs, self.node_counts(), ready=self.unready() is None)

    def view(self, job: Job) -> JobView:
        """A job as the API shows it."""
        return show(job, self.store, self.runner)

    def look(self, job_id: str) -> JobView:
        """The view of a job as it is now; `KeyError` if there is none."""
        return self.view(self.store.queue.get(job_id))

    def history(self, most: int, before: float | None = None) -> list[JobView]:
        """The last jobs, latest first; `before`: only those received earlier."""
        return [self.view(job) for job in self.store.queue.latest(most, before=before)]

    def about(self) -> AboutView:
        model = self.task.model
        return AboutView(
            edgeecho=VERSION,
            model=ModelView(
                name=model.name,
                version=model.version,
                precision=model.precision,
                sha256=model.sha256,
                preprocess_sha256=model.preprocess.sha256(),
                trained_on=model.trained_on,
            ),
            clips=self.task.clips,
            most_bytes=self.settings.most_bytes,
            most_waiting=self.store.queue.room.most_waiting,
        )

    def _note_change(self, job_id: str) -> None:
        # Other jobs' places change when a job begins or ends, not with each clip.
        others = [] if self.runner.progress(job_id) else self.store.queue.waiting()
        self.changes.mark([*others, job_id])

    def _tell_end(self, job: Job) -> None:
        future = self._ends.pop(job.id, None)
        if future and future.set_running_or_notify_cancel():
            future.set_result(job)

    def _note_end(self, job: Job, outcome: Outcome | None) -> None:
        self._note_change(job.id)
        self._tell_end(job)
        if job.started is None or job.finished is None or outcome is None:
            return
        with self._lock:
            self._typical_s += _WEIGHT * (job.finished - job.started - self._typical_s)
        self.metrics.stage("waiting", job.started - job.received)
        if isinstance(outcome.answer, Answer):
            for stage, ms in outcome.answer.timings_ms.items():
                self.metrics.stage(stage, ms / 1000)
