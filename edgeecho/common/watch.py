"""Running a generator in a thread with a time limit for each item.

A thread that hangs in a library cannot be ended, and at exit Python would wait for it for ever:
hence `end_process`.
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
# A library that hangs while it holds the GIL stops our own timer too. The interpreter's watchdog
# needs no GIL, and ends the process this long after the limit.
_GRACE_S = 30.0
_PATIENCE_S = 10.0
# Each is set when its thread has ended. `Thread.is_alive` is not enough: after a `join` that Ctrl-C
# interrupts, Python reports a running thread as ended.
_ends: list[threading.Event] = []


class Hung(Exception):  # noqa: N818
    """The next item did not arrive within the time limit."""


class Watched(Generic[Item]):
    """A generator that runs in its own thread, from construction on and ahead of its consumer."""

    def __init__(self, items: Generator[Item]) -> None:
        self._items = items
        self._found: queue.SimpleQueue[tuple[Item] | BaseException] = queue.SimpleQueue()
        self._closing, self._ended, self._hung = threading.Event(), threading.Event(), False
        _ends.append(self._ended)
        threading.Thread(target=self._run, name="watched", daemon=True).start()

    def next(self, seconds: float) -> Item:
        """Return the next item or raise what the generator raised; `Hung` after `seconds`."""
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
        """Stop. The thread ends after its current item; if it hangs, it is left behind."""
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
    """Whether the thread of any `Watched` is still running, perhaps hung."""
    return not all(end.is_set() for end in _ends)


def end_process(code: int) -> None:
    """Exit the process at once if such a thread is still running; otherwise do nothing."""
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
