"""Lives of a node that are killed at any step, each a process of its own.

They have the node's real store, runner, reporter and sender; only the network at either end is left
out, and the engine, which gives the same answer at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from made_studies import studies
from pydicom import Dataset, dcmread

from edgeecho.common.files import sha256_file
from edgeecho.results import Outcome
from edgeecho.service.dicom.destinations import Folder
from edgeecho.service.dicom.reports import Reporter
from edgeecho.service.dicom.sender import Sender
from edgeecho.service.dicom.tally import Tally
from edgeecho.service.jobs import Gathering, JobStore, Queue, Runner

STUDY_UID = "1.2.826.0.1.3680043.8.498.5.1"
# Forks in a process that has no threads and has imported this once.
_LIVES = get_context("forkserver")
_LIVES.set_forkserver_preload(["edgeecho.service.dicom", "edgeecho.inference", "edgeecho.engines"])


@dataclass(frozen=True)
class Step:
    """Before or after a call: the `nth` of a life."""

    owner: type
    method: str
    nth: int = 1
    before: bool = False

    def arm(self, happens: Callable[[], None]) -> None:
        """Let something happen there, in this process."""
        whole, calls = getattr(self.owner, self.method), 0

        @wraps(whole)
        def called(*args: Any, **given: Any) -> Any:
            nonlocal calls
            calls += 1
            now = calls == self.nth
            if now and self.before:
                happens()
            done = whole(*args, **given)
            if now and not self.before:
                happens()
            return done

        setattr(self.owner, self.method, called)


def die() -> None:
    """At once, as by a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Engine:
    """Answers at once."""

    outcome: Outcome

    def start(self) -> None: ...

    def close(self) -> None: ...

    def answer(self, file: Path, *, name: str, **_: object) -> Outcome:
        return replace(self.outcome, file=name, sha256=sha256_file(file))


@dataclass(frozen=True)
class Lives:
    """A state folder, and the cines of a study, of which each life is sent some."""

    folder: Path
    cines: tuple[Path, ...]
    outcome: Outcome
    """The answer to each of them."""

    def live(self, count: int, *, dies: Step | None = None, comes: Step | None = None) -> int:
        """A life of the node that is sent the first `count` cines, as after every failure all of
        them, and at `comes` the next one. Its exit code: 0 once it has nothing more to do."""
        process = _LIVES.Process(target=self._live, args=(count, dies, comes))
        process.start()
        process.join(200)
        assert process.exitcode is not None
        return process.exitcode

    def _live(self, count: int, dies: Step | None, comes: Step | None) -> None:
        store = JobStore(self.folder / "state")
        if dies:
            dies.arm(die)
        if comes:
            comes.arm(lambda: self._send(store.queue, count))
        runner = Runner(store.queue, Engine(self.outcome))  # type: ignore[arg-type]
        sender = Sender(store.outbox, Folder(self.folder / "sr"), Tally())
        reporter = Reporter(store.queue, store.outbox, "best", pdf=True)
        runner.answer_studies(draft=reporter.draft, answer=reporter.answer, on_end=sender.wake)
        for number in range(count):
            self._send(store.queue, number)
        runner.start()
        sender.start()
        end = time.monotonic() + 180  # on a machine with much else to do
        while any(job.delivery == "due" for job in studies(store)):
            assert time.monotonic() < end
            time.sleep(0.005)
        sender.close()
        runner.close()
        store.close()

    def reports(self) -> list[Dataset]:
        """What was delivered, by version: a structured report and a PDF of each."""
        found = [*map(dcmread, (self.folder / "sr").iterdir())]
        found.sort(key=lambda report: int(report.InstanceNumber))
        reports, pages = ([one for one in found if one.Modality == kind] for kind in ("SR", "DOC"))
        assert [one.InstanceNumber for one in pages] == [one.InstanceNumber for one in reports]
        return reports

    def events(self) -> list[list[str]]:
        """Of each answer to the study; every clip was answered, and nothing waits."""
        store = JobStore(self.folder / "state")
        try:
            assert all(job.status == "answered" for job in store.queue.latest(99))
            for name in ("files", "reports"):
                assert not list((self.folder / "state" / name).iterdir())
            return [[e.event for e in store.trail.entries(job.id)] for job in studies(store)]
        finally:
            store.close()

    def _send(self, queue: Queue, number: int) -> None:
        part = queue.new_file()
        shutil.copy(self.cines[number], part)
        queue.accept(part, "dicom", key=str(number), study=Gathering(STUDY_UID, 0))
