"""Jobs answered in a process apart, which crashes, hangs, and is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crashing import (
    CrashOnceTask,
    CrashOnReadTask,
    HangingTask,
    LoadedOnceTask,
    LostTask,
    SickEngineTask,
)
from kept import KeptEngine

from edgeecho.batch import Task
from edgeecho.bundle import open_model
from edgeecho.cine import DEFAULT_LIMITS
from edgeecho.common.errors import EngineError, OutputError
from edgeecho.inference import estimate_file, load_model
from edgeecho.preprocess import Handling
from edgeecho.results import Outcome
from edgeecho.service.jobs import Ending, EngineProcess, Job, JobStore, Progress, Runner
from edgeecho.service.jobs.process import Stopped
from edgeecho.service.jobs.queue import MOST_TRIES

pytestmark = pytest.mark.slow

PHANTOMS = sorted((Path(__file__).parents[3] / "examples" / "phantoms" / "Videos").iterdir())


def task(kind: Callable[..., Task] = Task, **options: Any) -> Task:
    return kind(
        **{
            **{"model": open_model(), "engine": "auto", "clips": "stride:16"},
            **{"handling": Handling(), "fps": None, "limits": DEFAULT_LIMITS},
            **{"show_refused": False, "frames": 0},
            **options,
        }
    )


class Service:
    """A store with a runner, and what it told."""

    def __init__(self, folder: Path, kind: Callable[..., Task] = Task, **options: Any) -> None:
        self.store = JobStore(folder)
        self.told: list[Job] = []
        self.runner = Runner(
            self.store.queue,
            KeptEngine(task(kind), threads=1),
            on_end=lambda job, _: self.told.append(job),
            **options,
        )
        self.runner.start()

    def give(self, content: bytes) -> Job:
        part = self.store.queue.new_file()
        part.write_bytes(content)
        job = self.store.queue.accept(part, "upload")
        self.runner.wake(job.id)
        return job

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end
            assert self.runner.alive
            time.sleep(0.01)

    def ended(self, *jobs: Job) -> list[Job]:
        self.wait(lambda: all(self.store.queue.get(job.id).ended for job in jobs))
        return [self.store.queue.get(job.id) for job in jobs]

    def close(self) -> None:
        self.runner.close()
        self.store.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    services = []

    def make(*args: Any, **options: Any) -> Service:
        services.append(Service(tmp_path / "state", *args, **options))
        return services[-1]

    yield make
    for service in services:
        service.close()


def test_answers_are_those_of_infer_each_told_once(serve: Any) -> None:
    service = serve()
    jobs = [service.give(file.read_bytes()) for file in PHANTOMS]
    bad = service.give(b"no video")
    ended = service.ended(*jobs, bad)
    model = load_model(threads=1)
    for job, file in zip(ended, PHANTOMS, strict=False):
        estimate = estimate_file(file, model)
        assert job.status == ("refused" if estimate.refused else "answered")
        assert job.document is not None
        (result,) = job.document["results"]
        assert result["file"] == job.id, "no name of a file is kept"
        if not estimate.refused:
            assert result["ef"] == pytest.approx(estimate.ef, abs=1e-3)
    assert (ended[-1].status, ended[-1].exit_code) == ("failed", 3)
    service.wait(lambda: len(service.told) == len(ended))
    assert [job.id for job in service.told] == [job.id for job in ended]


def test_progress_is_told_clip_by_clip() -> None:
    engine = EngineProcess(task(), threads=1)
    engine.start()
    told: list[Progress] = []
    outcome = engine.answer(
        PHANTOMS[0], name="a", on_progress=told.append, stop=threading.Event(), limit_s=60
    )
    engine.close()
    assert outcome.file == "a"
    assert told[0] == Progress("reading")
    counts = [progress.done for progress in told if progress.stage == "engine"]
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == told[-1].of == len(outcome.answer.clip_starts)  # type: ignore[union-attr]


def test_a_crash_costs_one_job(serve: Any) -> None:
    service = serve(CrashOnReadTask)
    first = service.give(b"please crash")
    second = service.give(PHANTOMS[0].read_bytes())
    crashed, answered = service.ended(first, second)
    assert (crashed.status, crashed.exit_code) == ("failed", 3)
    assert "was ended (SIGKILL), 2 times" in crashed.error
    assert answered.document is not None


def test_an_engine_that_is_killed_once_costs_no_answer(serve: Any, tmp_path: Path) -> None:
    service = serve(CrashOnceTask)
    job = service.give(PHANTOMS[0].read_bytes())
    (ended,) = service.ended(job)
    assert (tmp_path / "state" / "files" / f"{job.id}.seen").exists(), "it was killed"
    assert ended.document is not None
    assert ended.tries == 1
    service.wait(lambda: len(service.told) == 1)


def test_a_job_that_ended_the_service_each_time_fails(serve: Any, tmp_path: Path) -> None:
    store = JobStore(tmp_path / "state")
    part = store.queue.new_file()
    part.write_bytes(PHANTOMS[0].read_bytes())
    job = store.queue.accept(part, "upload")
    for _ in range(MOST_TRIES):
        store.queue.begin_next()
        store.close()  # as a crash would
        store = JobStore(tmp_path / "state")
    store.close()
    service = serve()
    (ended,) = service.ended(job)
    assert (ended.status, ended.exit_code) == ("failed", 3)
    assert "the service ended each time" in ended.error
    service.wait(lambda: [told.id for told in service.told] == [job.id])


def test_a_disk_that_is_full_costs_time_and_no_answer(
    serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeecho.service.jobs.room._WAIT_S", 0.01)
    service = serve()
    full = 3

    def write(job: Job, outcome: Outcome) -> None:
        nonlocal full
        full -= 1
        if full > 0:
            raise OutputError("no space left on device")
        service.store.queue.studies.write_draft(job.id, outcome.status.encode())

    service.runner.answer_studies(
        draft=write, answer=lambda _study: Ending("cancelled"), on_end=lambda: None
    )
    part = service.store.queue.new_file()
    part.write_bytes(PHANTOMS[0].read_bytes())
    job = service.store.queue.accept(part, "upload")
    service.runner.wake(job.id)
    (ended,) = service.ended(job)
    assert full == 0
    assert (ended.status, ended.tries) == (
        service.store.queue.studies.draft_of(job.id).read_bytes().decode(),
        1,
    )


def test_a_job_that_takes_too_long_is_ended(serve: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = 0.0
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + passed)
    monkeypatch.setattr("edgeecho.service.jobs.process.time", clock)
    service = serve(HangingTask, limit_s=100)
    first = service.give(b"please hang")
    second = service.give(PHANTOMS[0].read_bytes())
    service.wait(lambda: service.runner.progress(first.id) is not None)
    passed = 101.0
    late, answered = service.ended(first, second)
    assert late.status == "failed"
    assert "not answered within 100 s" in late.error
    assert answered.document is not None, "its own time begins when it does"


def test_a_job_is_cancelled_while_it_waits_and_while_it_runs(serve: Any) -> None:
    service = serve(HangingTask)
    running, waiting = service.give(b"please hang"), service.give(b"please hang")
    service.wait(lambda: service.store.queue.get(running.id).status == "running")
    service.wait(lambda: service.runner.progress(running.id) is not None)
    assert service.runner.progress(waiting.id) is None
    assert service.runner.cancel(waiting.id).status == "cancelled"
    assert service.runner.cancel(running.id).status == "cancelled"
    after = service.give(PHANTOMS[0].read_bytes())
    (answered,) = service.ended(after)
    assert answered.document is not None
    assert service.store.queue.get(waiting.id).started is None
    assert service.runner.cancel(after.id).status == answered.status, "it had ended"
    assert [job.status for job in service.told[:2]] == ["cancelled", "cancelled"]
    with pytest.raises(KeyError):
        service.runner.cancel("absent")


def test_what_was_running_when_the_service_was_stopped_is_answered_by_the_next(
    serve: Any,
) -> None:
    service = serve(HangingTask)
    job = service.give(b"please hang")
    service.wait(lambda: service.runner.progress(job.id) is not None)
    begin = time.monotonic()
    service.close()
    assert time.monotonic() - begin < 20
    again = serve()
    (ended,) = again.ended(job)
    assert (ended.status, ended.exit_code, ended.tries) == ("failed", 3, 1), "it is no video"


def test_a_model_that_cannot_be_loaded_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not known"):
        EngineProcess(task(engine="none")).start()
    with pytest.raises(EngineError, match=r"was ended \(SIGKILL\) while it loaded"):
        EngineProcess(task(LostTask)).start()


def test_a_model_that_cannot_be_loaded_again_costs_no_study(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = serve(partial(LoadedOnceTask, mark=tmp_path / "loaded"), limit_s=60)
    crashing = service.give(b"please crash")
    waiting = [service.give(file.read_bytes()) for file in PHANTOMS[:3]]
    end = time.monotonic() + 30
    while service.runner.alive:
        assert time.monotonic() < end
        time.sleep(0.01)
    jobs = [service.store.queue.get(job.id) for job in (crashing, *waiting)]
    assert [job.status for job in jobs] == ["queued"] * 4
    assert "not answered any more: the bundle is not there any more" in capsys.readouterr().err
    service.close()

    again = serve(CrashOnReadTask)
    statuses = [job.status for job in again.ended(crashing, *waiting)]
    assert statuses[0] == "failed"
    assert "failed" not in statuses[1:]


def test_an_engine_that_fails_is_begun_anew(serve: Any) -> None:
    service = serve(SickEngineTask)
    ended = service.ended(*(service.give(file.read_bytes()) for file in PHANTOMS[:3]))
    assert "failed" not in [job.status for job in ended]


def test_a_job_is_stopped_between_any_two_clips() -> None:
    """However fast they come."""
    stop = threading.Event()
    engine = EngineProcess(task(clips="all"), threads=1)
    engine.start()

    def on_progress(progress: Progress) -> None:
        if progress.stage == "engine":
            stop.set()

    with pytest.raises(Stopped):
        engine.answer(PHANTOMS[0], name="a", on_progress=on_progress, stop=stop, limit_s=60)
