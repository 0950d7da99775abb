"""Room on the disk: asked for before a study is taken, and said once."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgeecho.common.errors import OutputError
from edgeecho.service.jobs import Job, JobStore, QueueFullError
from edgeecho.service.jobs.room import ANSWER_BYTES, RESERVE_BYTES, Retry, Room


def test_room_is_left_for_the_answers_of_those_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = JobStore(tmp_path / "state")
    room = SimpleNamespace(free=RESERVE_BYTES + 3_000_000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: room)

    def give() -> Job:
        part = store.queue.new_file()
        part.write_bytes(b"video")
        return store.queue.accept(part, "dicom")

    store.queue.room.check_disk(coming=3_000_000)
    with pytest.raises(OutputError, match="until 32 MB are free"):
        store.queue.room.check_disk(coming=3_000_001)
    give()
    give()
    with pytest.raises(OutputError, match="no study is taken until 36 MB are free"):
        give()
    with pytest.raises(OutputError):
        store.queue.room.check()
    assert store.queue.count("queued") == 2
    store.queue.begin_next()
    assert not store.queue.room.has_disk(), "it would be short again at once"
    room.free += 4_000_000
    assert store.queue.room.has_disk()
    give()
    said = capsys.readouterr().err
    assert (said.count("almost full"), said.count("there is room again")) == (1, 1)
    store.close()


class Disk:
    """A room of `most_waiting` 3, whose disk and queue are what the test says."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free, self.waiting = RESERVE_BYTES, 0
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=self.free))
        self.room = Room(folder, 3, lambda: self.waiting)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


def test_what_is_kept_free_is_32_mb_and_2_mb_for_each_that_waits(disk: Disk) -> None:
    assert (RESERVE_BYTES, ANSWER_BYTES) == (32_000_000, 2_000_000)
    assert disk.room.has_disk()
    disk.waiting = 2
    disk.free += 2 * ANSWER_BYTES
    disk.room.check()
    disk.free -= 1
    assert not disk.room.has_disk()


def test_a_disk_that_was_short_has_room_again_with_4_mb_more(disk: Disk) -> None:
    disk.free -= 1
    assert not disk.room.has_disk()
    disk.free = RESERVE_BYTES + 3_999_999
    assert not disk.room.has_disk()
    disk.free += 1
    assert disk.room.has_disk()
    disk.free = RESERVE_BYTES
    assert disk.room.has_disk(), "it is not short any more"


def test_a_full_queue_says_when_to_come_again_and_at_least_in_a_second(disk: Disk) -> None:
    disk.free *= 2
    disk.waiting = 2
    disk.room.check()
    for typical, said in ((0.2, 1.0), (7.0, 7.0)):
        with pytest.raises(QueueFullError, match=f"3 studies .* again in {said:.0f} s") as full:
            disk.room.check(typical, coming=1)
        assert full.value.retry_after_s == said


def test_what_is_written_at_once_is_not_spoken_of(capsys: pytest.CaptureFixture[str]) -> None:
    retry = Retry(threading.Event())
    assert not retry.waits
    assert retry.until_written(lambda: 7) == 7
    assert not retry.waits
    assert capsys.readouterr().err == ""


def test_a_disk_that_fails_for_a_while_is_said_twice_and_costs_no_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waited: list[float] = []
    closing = threading.Event()
    monkeypatch.setattr(closing, "wait", waited.append)
    retry = Retry(closing)
    seen: list[bool] = []

    def write() -> str:
        seen.append(retry.waits)
        if len(seen) <= 3:
            raise OutputError("it is full")
        return "done"

    assert retry.until_written(write) == "done"
    assert seen == [False, True, True, True]
    assert waited == [2.0] * 3
    assert not retry.waits
    assert capsys.readouterr().err.splitlines() == [
        "nothing is answered until the disk can be written: it is full",
        "the disk can be written again: studies are answered",
    ]


def test_closing_ends_the_wait_without_a_result(capsys: pytest.CaptureFixture[str]) -> None:
    closing = threading.Event()
    retry = Retry(closing)

    def write() -> None:
        closing.set()
        raise OutputError("it is full")

    assert retry.until_written(write) is None
    assert retry.waits
    assert retry.until_written(lambda: 7) is None
