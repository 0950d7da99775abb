"""Work in a thread, watched from outside: nobody waits without a limit for what may never come.

A thread that hangs in a library cannot be ended. It is left behind, and whoever ends the process
must not wait for it either: `end_process`.
"""

from __future__ import annotations

import faulthandler
import os
import queue
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")
# A library that hangs with the interpreter's lock in its hands stops our clock too. The
# interpreter's own watchdog, which needs no lock, then ends the process so much later.
_GRACE_S = 30.0
_PATIENCE_S = 10.0
_left_behind: list[threading.Thread] = []


class Hung(Exception):  # noqa: N818 whoever catches it says what it means
    """What was waited for did not come in time."""


class Watched(Generic[Item]):
    """A generator that runs in a thread of its own, from now on, and ahead of who takes items."""

    def __init__(self, items: Generator[Item]) -> None:
        self._items = items
        self._found: queue.SimpleQueue[tuple[Item] | BaseException] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watched", daemon=True)
        self._thread.start()

    def next(self, seconds: float) -> Item:
        """The next item, or what the generator raised; `Hung` where none comes for so long."""
        with _lock_watched(seconds + _GRACE_S):
            try:
                found = self._found.get(timeout=seconds)
            except queue.Empty:
                _left_behind.append(self._thread)
                raise Hung from None
        if isinstance(found, BaseException):
            raise found
        return found[0]

    def close(self) -> None:
        """Take no more; a thread that does not end after its present item is left behind."""
        self._closing.set()
        if self._thread not in _left_behind:
            self._thread.join(_PATIENCE_S)
            if self._thread.is_alive():
                _left_behind.append(self._thread)

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


def end_process(code: int) -> None:
    """End this process where a thread was left behind: Python would wait for it for ever."""
    if any(thread.is_alive() for thread in _left_behind):
        sys.stdout.flush()
        sys.stderr.flush()
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
