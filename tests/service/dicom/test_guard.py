"""The two threads of an association: whatever ends one of them, nobody waits for ever."""

from __future__ import annotations

import threading
import time
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest
from pynetdicom.fsm import InvalidEventError

from edgeecho.service.dicom import guard
from edgeecho.service.dicom.connection import FAREWELL_S
from edgeecho.service.dicom.guard import _Guarded


class Connection:
    def __init__(self) -> None:
        self.said: list[Any] = []
        self._ready = threading.Event()

    def send(self, data: bytes) -> None:
        self.said.append(data)

    def drain(self) -> None:
        self.said.append("drained")

    def close_for_good(self) -> None:
        self.said.append("closed")


class Pair:
    """An association of which nothing runs."""

    def __init__(self) -> None:
        self.connection, self.junk = Connection(), 0
        self.calls: list[Any] = []
        self.association = SimpleNamespace(
            _dul_ready=threading.Event(),
            dul=SimpleNamespace(to_user_queue=Queue()),
            dimse=SimpleNamespace(msg_queue=Queue()),
            abort=lambda block: self.calls.append(("abort", block)),
            kill=lambda: self.calls.append("kill"),
        )
        made: Any = (self.association, self.connection, self.count)
        self.guarded = _Guarded(*made)

    def count(self) -> None:
        self.junk += 1


def fails(error: BaseException) -> Any:
    def run(*_: object) -> None:
        raise error

    return run


def parsed() -> None:
    """Fails within pydicom, as on what a peer sent."""
    from pydicom.uid import UID

    UID(7)  # type: ignore[arg-type]


JUNK = b"\x07\x00\x00\x00\x00\x04\x00\x00\x02\x00"
"""A-ABORT by the provider, without a reason (PS3.8, 9.3.8)."""


def test_when_the_reader_ends_all_who_wait_are_woken() -> None:
    pair = Pair()
    pair.guarded.around_provider(lambda: None)()
    assert pair.connection.said == ["closed"]
    assert pair.connection._ready.is_set()
    assert pair.association._dul_ready.is_set()
    assert pair.association.dul.to_user_queue.get_nowait() is None
    assert pair.association.dimse.msg_queue.get_nowait() == (None, None)
    assert (pair.junk, pair.calls) == (0, [])


def test_junk_is_hung_up_on_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    pair = Pair()
    for _ in range(2):
        pair.guarded.around_provider(parsed)()
    assert pair.connection.said == [JUNK, "drained", "closed"] * 2
    assert pair.junk == 1
    assert caplog.text == ""


def test_a_bug_is_logged_and_hung_up_on_and_no_junk(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = Pair()
    monkeypatch.setattr(guard, "is_bug", lambda _: True)
    pair.guarded.around_provider(fails(KeyError("Secret^Patient")))()
    assert pair.connection.said == [JUNK, "drained", "closed"]
    assert pair.junk == 0
    assert "an association failed: KeyError at" in caplog.text


def test_a_connection_that_is_closed_already_is_no_error() -> None:
    pair = Pair()
    pair.connection.send = fails(OSError(9, "Bad file descriptor"))  # type: ignore[method-assign]
    pair.guarded.around_provider(parsed)()
    assert pair.connection.said == ["closed"]


def test_when_the_user_ends_so_does_the_association() -> None:
    pair = Pair()
    pair.guarded.around_user(lambda: None)()
    assert pair.calls == ["kill"]
    pair.guarded.around_user(parsed)()
    assert pair.calls == ["kill", ("abort", False), "kill"]
    assert pair.junk == 1


def test_an_answer_to_a_peer_that_was_hung_up_on_is_neither_junk_nor_a_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pair = Pair()
    pair.guarded.around_user(fails(InvalidEventError()))()
    assert pair.calls == [("abort", False), "kill"]
    assert (pair.junk, caplog.text) == (0, "")


def test_associations_that_are_ended_get_a_second_and_then_three(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(guard, "BoundedSocket", SimpleNamespace)
    monkeypatch.setattr(
        guard, "_join", lambda threads, seconds: told.append((len(threads), seconds))
    )

    def association(name: str, socket: Any) -> Any:
        return SimpleNamespace(
            abort=lambda block: told.append(("abort", name, block)),
            dul=SimpleNamespace(socket=socket),
        )

    cut = SimpleNamespace(cut=lambda: told.append("cut"))
    guard.end([association("a", cut), association("b", None)])
    assert told == [
        ("abort", "a", False), ("abort", "b", False), (2, FAREWELL_S), "cut", (4, 3.0),
    ]  # fmt: skip


def test_threads_share_the_time_that_they_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    now, waited = 100.0, list[float]()

    def join(seconds: float) -> None:
        nonlocal now
        waited.append(seconds)
        now += 2

    monkeypatch.setattr(guard, "time", SimpleNamespace(monotonic=lambda: now))
    alive = SimpleNamespace(is_alive=lambda: True, join=join)
    ended = SimpleNamespace(is_alive=lambda: False, join=join)
    threads: Any = [alive, ended, alive, alive]
    guard._join(threads, 3.0)
    assert waited == [3, 1, 0]


def test_threads_that_do_not_end_are_waited_for_together_and_no_longer() -> None:
    go = threading.Event()
    threads = [threading.Thread(target=go.wait, args=(30,), daemon=True) for _ in range(5)]
    for thread in threads:
        thread.start()
    begin = time.monotonic()
    guard._join(threads, 0.2)
    assert 0.2 <= time.monotonic() - begin < 0.9
    go.set()
    guard._join(threads, 30)
    assert not any(thread.is_alive() for thread in threads)
