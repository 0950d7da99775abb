"""Work in a thread, watched from outside: nobody waits without a limit for what may never come.

A thread that hangs in a library cannot be ended, and Python would wait for it for ever where a
process ends: hence `end_process`.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

Item = TypeVar("Item")
# A library that hangs with the interpreter's lock in its hands stops our clock too. The
# interpreter's own watchdog, which needs no lock, then ends the process so much later.
_GRACE_S = 30.0
_PATIENCE_S = 10.0
# Set when a thread has ended. Not `Thread.is_alive`: after a `join` that Ctrl-C interrupts, Python
# takes a thread for ended that is not.
_ends: list[threading.Event] = []


class Hung(Exception):  # noqa: N818
    """What was waited for did not come in time."""


class Watched(Generic[Item]):
    """A generator that runs in a thread of its own, from now on and ahead of its consumer."""

    def __init__(self, items: Generator[Item]) -> None:
        self._items = items
        self._found: queue.SimpleQueue[tuple[Item] | BaseException] = queue.SimpleQueue()
        self._closing, self._ended, self._hung = threading.Event(), threading.Event(), False
        _ends.append(self._ended)
        threading.Thread(target=self._run, name="watched", daemon=True).start()

    def next(self, seconds: float) -> Item:
        """The next item, or what the generator raised; `Hung` where none comes for so long."""
        with _lock_watched(seconds + _GRACE_S):
            try:
                found = self._found.get(timeout=seconds)
            except queue.Empty:
                self._hung = True
                raise Hung from None
        if isinstance(found, BaseException):
            raise found
        return found[0]

    def close(self) -> None:
        """Take no more; the thread ends after its present item, or is left behind."""
        self._closing.set()
        self._ended.wait(0 if self._hung else _PATIENCE_S)

    def _run(self) -> None:
        try:
            for item in self._items:
                self._found.put((item,))
                if self._closing.is_set():
                    break
        except BaseException as error:  # noqa: BLE001 raised where the item is waited for
            self._found.put(error)
        finally:
            self._items.close()
            self._ended.set()


def watched_thread_runs() -> bool:
    """Whether the thread of a `Watched` still runs, hung perhaps."""
    return not all(end.is_set() for end in _ends)


def end_process(code: int) -> None:
    """End this process where such a thread still runs; else do nothing."""
    if watched_thread_runs():
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # full, or closed
                stream.flush()
        os._exit(code)


@contextmanager
def _lock_watched(seconds: float) -> Iterator[None]:
    try:
        faulthandler.dump_traceback_later(seconds, exit=True)
    except (AttributeError, OSError, RuntimeError, ValueError):  # no stderr that is a file
        yield
        return
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
