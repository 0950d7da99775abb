"""Files answered by several processes, some of which are ended in the middle of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from crashing import CrashingTask, LostTask
from tasks import DATA, TWO, ef, folder, task

from edgeecho.batch import WorkerPlan, answer_all
from edgeecho.common.errors import EngineError
from edgeecho.results import Failure

pytestmark = pytest.mark.slow


def test_several_processes_give_what_one_gives_in_the_order_of_the_files(tmp_path: Path) -> None:
    files = [*sorted(DATA.iterdir()), tmp_path / "absent.avi"]
    told: list[int] = []
    here = answer_all(task(), files, threads=1, on_progress=lambda _: None)
    there = answer_all(task(), files, plan=TWO, on_progress=told.append)
    assert [outcome.file for outcome in there] == [file.name for file in files]
    assert [ef(o) for o in there[:-1]] == pytest.approx([ef(o) for o in here[:-1]], abs=1e-3)
    assert len({ef(o) for o in there[:-1]}) == len(files) - 1
    assert [o.sha256 for o in there] == [o.sha256 for o in here]
    assert isinstance(there[-1].answer, Failure)
    assert told == list(range(len(files) + 1))


def test_a_file_that_ends_its_process_ends_no_other(tmp_path: Path) -> None:
    files = folder(tmp_path, "a.avi", "always.avi", "b.avi", "once.avi", "c.avi")
    outcomes = answer_all(task(CrashingTask), files, plan=TWO, on_progress=lambda _: None)
    failed = [o for o in outcomes if isinstance(o.answer, Failure)]
    assert [o.file for o in failed] == ["always.avi"]
    assert isinstance(failed[0].answer, Failure)
    assert failed[0].answer.exit_code == 3
    assert "was ended (SIGKILL), 2 times" in failed[0].answer.message
    assert str(tmp_path) not in failed[0].answer.message
    assert (tmp_path / "once.seen").exists(), "it did end a process once"
    assert len({ef(o) for o in outcomes if o.file != "always.avi"}) == 1


def test_processes_that_never_get_ready_end_it_all(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"ended \(SIGKILL\) while it loaded the model"):
        answer_all(task(LostTask), folder(tmp_path, "a.avi"), plan=TWO, on_progress=lambda _: None)


def test_a_model_that_cannot_be_loaded_is_the_error_it_is_without_processes(
    tmp_path: Path,
) -> None:
    files = folder(tmp_path, "a.avi")
    with pytest.raises(EngineError) as here:
        answer_all(task(engine="none"), files, on_progress=lambda _: None)
    with pytest.raises(EngineError) as there:
        answer_all(task(engine="none"), files, plan=TWO, on_progress=lambda _: None)
    assert str(there.value) == str(here.value)


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    from multiprocessing import active_children

    answer_all(task(), folder(tmp_path, "a.avi"), plan=TWO, on_progress=lambda _: None)
    assert active_children() == []


@pytest.mark.parametrize(
    ("wanted", "files", "cores", "expected"),
    [
        (1, 9, 8, (1, 8)), (2, 9, 8, (2, 4)), (3, 9, 8, (3, 2)), (99, 9, 8, (8, 1)),
        (8, 2, 8, (2, 4)), (4, 0, 8, (1, 8)), (2, 9, 1, (1, 1)),
    ],
)  # fmt: skip
def test_never_more_threads_than_cores(
    wanted: int, files: int, cores: int, expected: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("edgeecho.batch.processes.usable_cores", lambda: cores)
    plan = WorkerPlan.of(wanted, files)
    assert (plan.workers, plan.threads) == expected
    assert plan.workers * plan.threads <= cores


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system pins no processes")
def test_each_process_stays_on_its_share_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeecho.common.cpu import stay_on

    pinned: list[list[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7, 9})
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: pinned.append(cores))
    stay_on(slice(0, 2))
    stay_on(slice(2, 4))
    assert pinned == [[3, 5], [7, 9]]
