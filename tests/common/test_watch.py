"""A generator in a thread of its own: items, errors, limits and the end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator

import pytest

from edgeecho.common import watch
from edgeecho.common.watch import Hung, Watched, watched_thread_runs


def ended(watched: Watched[int]) -> bool:
    return watched._ended.wait(10)


def test_items_come_in_order_and_then_its_error() -> None:
    def items() -> Generator[int]:
        yield 1
        yield 2
        raise KeyError("three")

    watched = Watched(items())
    assert [watched.next(10), watched.next(10)] == [1, 2]
    with pytest.raises(KeyError, match="three"):
        watched.next(10)
    assert ended(watched)


def test_it_runs_ahead_of_who_takes_its_items() -> None:
    made: list[int] = []

    def items() -> Generator[int]:
        for number in range(3):
            made.append(number)
            yield number

    watched = Watched(items())
    assert ended(watched)
    assert made == [0, 1, 2]
    assert [watched.next(0.1) for _ in range(3)] == [0, 1, 2]


def test_what_does_not_come_in_time_hangs_and_is_not_waited_for_at_the_end() -> None:
    go = threading.Event()

    def items() -> Generator[int]:
        go.wait(30)
        yield 1

    watched = Watched(items())
    begin = time.monotonic()
    with pytest.raises(Hung):
        watched.next(0.05)
    watched.close()
    assert 0.05 <= time.monotonic() - begin < 5
    assert watched_thread_runs()
    go.set()
    assert ended(watched)
    assert not watched_thread_runs()


def test_closing_waits_for_the_item_in_work_and_makes_no_other() -> None:
    closed: list[str] = []
    begun = threading.Event()

    def items() -> Generator[int]:
        try:
            begun.set()
            time.sleep(0.1)
            yield 1
            closed.append("another was made")
            yield 2
        finally:
            closed.append("closed")

    watched = Watched(items())
    assert begun.wait(10)
    watched.close()
    assert closed == ["closed"]


def test_the_interpreters_watchdog_is_set_for_half_a_minute_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(
        watch.faulthandler,
        "dump_traceback_later",
        lambda seconds, **how: told.append((seconds, how)),
    )
    monkeypatch.setattr(
        watch.faulthandler, "cancel_dump_traceback_later", lambda: told.append("cancelled")
    )

    def items() -> Generator[int]:
        yield 1

    assert Watched(items()).next(7) == 1
    assert told == [(37, {"exit": True}), "cancelled"]


CODE = """
import sys, time
from edgeecho.common.watch import Hung, Watched, end_process
def items():
    time.sleep({seconds})
    yield 1
watched = Watched(items())
try:
    print(watched.next(0.3), end="")
except Hung:
    print("hung", end="")
watched.close()
end_process(7)
print(" at its own end", end="")
"""


@pytest.mark.parametrize(("seconds", "code", "said"), [(0, 0, "1 at its own end"), (30, 7, "hung")])
def test_a_process_is_ended_at_once_only_if_a_thread_hangs(
    seconds: float, code: int, said: str
) -> None:
    begin = time.monotonic()
    # What was printed is buffered, as it is unless a user asks for something else.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(seconds=seconds)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (done.returncode, done.stdout) == (code, said)
    assert time.monotonic() - begin < 25
