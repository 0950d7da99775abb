"""Libraries that hang, in the process of the call or in its workers: no call waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crashing import RELEASED, StuckTask
from processes import children, is_running, wait
from tasks import TWO, ef, folder, task

from edgeecho.batch import WorkerPlan, answer_all
from edgeecho.common.errors import EngineError
from edgeecho.common.watch import Hung, Watched
from edgeecho.results import Failure, Outcome
from edgeecho.service.jobs import EngineProcess

pytestmark = pytest.mark.slow

STARTED: list[subprocess.Popen[str]] = []
NAMES = ("a.avi", "read-once.avi", "b.avi", "answer-always.avi", "answer-once.avi", "c.avi")


@pytest.fixture(autouse=True)
def release() -> Iterator[None]:
    """What a test left hanging in this process ends with it."""
    RELEASED.clear()
    yield
    while STARTED:
        STARTED.pop().kill()  # of a test that failed; the others have ended
    RELEASED.set()
    for thread in threading.enumerate():
        if thread.name == "watched":
            thread.join(30)


@pytest.mark.parametrize("plan", [None, TWO], ids=["here", "workers"])
def test_a_file_that_hangs_is_tried_once_more_and_then_reported(
    plan: WorkerPlan | None, tmp_path: Path
) -> None:
    files = folder(tmp_path, *NAMES)
    stuck = task(StuckTask, stuck=tmp_path)
    outcomes = answer_all(stuck, files, threads=1, plan=plan, limit_s=2, on_progress=lambda _: None)
    assert [outcome.file for outcome in outcomes] == list(NAMES)
    failed = [o for o in outcomes if isinstance(o.answer, Failure)]
    assert [o.file for o in failed] == ["answer-always.avi"]
    assert isinstance(failed[0].answer, Failure)
    assert "it said nothing for 2 s" in failed[0].answer.message
    assert len({ef(o) for o in outcomes if o not in failed}) == 1
    tries = {mark.stem: len(mark.read_text()) for mark in tmp_path.glob("*.seen")}
    assert tries == {"read-once": 1, "answer-always": 2, "answer-once": 1}


@pytest.mark.parametrize("plan", [None, WorkerPlan(1, 1, 1)], ids=["here", "workers"])
def test_a_model_that_is_never_ready_ends_the_call(plan: WorkerPlan | None, tmp_path: Path) -> None:
    stuck = task(StuckTask, stuck=tmp_path, load_stuck="always")
    with pytest.raises(EngineError, match=r"said nothing for 3 s.* while it loaded the model"):
        answer_all(stuck, folder(tmp_path, "a.avi"), plan=plan, on_progress=lambda _: None)


def test_a_model_that_hangs_once_is_loaded_in_another_process(tmp_path: Path) -> None:
    stuck = task(StuckTask, stuck=tmp_path, load_stuck="once")
    # The second process takes no longer to load than the limit that the first one broke.
    outcomes: list[Outcome] = []
    for _ in range(3):
        try:
            outcomes = answer_all(stuck, folder(tmp_path, "a.avi"), on_progress=lambda _: None)
            break
        except EngineError:  # a machine that needs more than 3 s to start a process
            continue
    assert ef(outcomes[0]) > 0


def test_the_engine_of_a_service_that_is_never_ready_is_an_error(tmp_path: Path) -> None:
    engine = EngineProcess(task(StuckTask, stuck=tmp_path, load_stuck="always"), threads=1)
    with pytest.raises(EngineError, match="not ready within 3 s"):
        engine.start()
    assert engine._running is None


_HANGING = """
import signal, sys, time
# Where the tests run as a shell's background job, which ignores it, it would be ignored here too.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from edgeecho.batch.task import Task
read = Task.read

def hang(self, file):
    if file.stem.startswith("hang"):
        print("hangs", file=sys.stderr, flush=True)
        while True:
            time.sleep(1)
    return read(self, file)

Task.read = hang
{more}
from edgeecho.cli.app import main
main()
"""
_BUG = """
import edgeecho.cli.commands.infer
def broken(*_):
    raise ZeroDivisionError("a bug")
edgeecho.cli.commands.infer.say = broken
"""


def start(folder: Path, *words: object, more: str = "", **options: Any) -> subprocess.Popen[str]:
    """`infer`, whose process hangs where it reads `hang.avi`; its workers do not."""
    code = _HANGING.format(more=more)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    command = [sys.executable, "-X", "faulthandler", "-c", code, "infer", *map(str, words)]
    STARTED.append(subprocess.Popen(command, cwd=folder, **(pipes | options)))
    return STARTED[-1]


def test_infer_answers_every_file_and_ends_though_a_thread_of_it_hangs(tmp_path: Path) -> None:
    files = folder(tmp_path, "a.avi", "hang.avi", "c.avi")
    process = start(tmp_path, *files, "--limit", "5", "--json", "--show-refused")
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode in (0, 5), (stdout, stderr)
    assert stdout.count('"file"') == 3
    assert "going on in another process" in stderr


def test_a_bug_ends_it_with_its_traceback_though_a_thread_hangs(tmp_path: Path) -> None:
    files = folder(tmp_path, "a.avi", "hang.avi")
    process = start(tmp_path, *files, "--limit", "5", more=_BUG)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "ZeroDivisionError: a bug" in stderr


def test_a_full_stdout_is_one_line_though_a_thread_hangs(tmp_path: Path) -> None:
    files = folder(tmp_path, "a.avi", "hang.avi")
    with Path("/dev/full").open("w") as full:
        process = start(tmp_path, *files, "--limit", "5", stdout=full)
        _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "stdout cannot be written: No space left on device" in stderr
    assert "Traceback" not in stderr


def test_two_interrupts_end_it_though_a_thread_hangs(tmp_path: Path) -> None:
    process = start(tmp_path, *folder(tmp_path, "hang.avi"))
    assert process.stderr is not None
    assert "hangs" in process.stderr.readline()
    time.sleep(1)  # the model is loaded, and the main thread waits
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_worker_that_hangs_ends_with_the_one_who_started_it(
    number: signal.Signals, tmp_path: Path
) -> None:
    code = """
import sys
from pathlib import Path
from crashing import StuckTask
from edgeecho.batch import WorkerPlan, answer_all
from tasks import task

if __name__ == "__main__":
    stuck = task(StuckTask, stuck=Path())
    files = [Path("read-always.avi")]
    answer_all(stuck, files, plan=WorkerPlan(1, 1, 1), on_progress=lambda _: None)
"""
    folder(tmp_path, "read-always.avi")
    support = Path(__file__).parents[1] / "support"
    (tmp_path / "call.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(support), *sys.path])}
    process = subprocess.Popen([sys.executable, "call.py"], cwd=tmp_path, env=environment)
    wait((tmp_path / "read-always.seen").exists)
    workers = children(process.pid)
    assert workers
    process.send_signal(number)
    process.wait(10)
    wait(lambda: not any(map(is_running, workers)))


def test_a_hang_that_holds_the_interpreter_is_ended_too() -> None:
    code = """
import re, time
from edgeecho.common import watch
watch._GRACE_S = 1

def items():
    time.sleep(1)
    re.match(r"(a+)+$", "a" * 64 + "!")  # for centuries, without letting another thread run
    yield 1

watch.Watched(items()).next(2)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_what_is_watched_comes_through_errors_too() -> None:
    def items():  # type: ignore[no-untyped-def]
        yield 1
        raise KeyError("x")

    watched = Watched(items())
    assert watched.next(10) == 1
    with pytest.raises(KeyError):
        watched.next(10)
    watched.close()


def test_closing_ends_the_thread_after_its_item() -> None:
    closed = []

    def items():  # type: ignore[no-untyped-def]
        try:
            while True:
                time.sleep(0.01)
                yield 1
        finally:
            closed.append(True)

    watched = Watched(items())
    watched.next(10)
    watched.close()
    assert closed == [True]


def test_who_waits_in_vain_is_told() -> None:
    def items():  # type: ignore[no-untyped-def]
        time.sleep(3)
        yield 1

    with pytest.raises(Hung):
        Watched(items()).next(0.1)
