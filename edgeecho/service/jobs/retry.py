"""Waiting for a disk that is full, or cannot be written."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from edgeecho.common.console import words
from edgeecho.common.errors import OutputError

_WAIT_S = 2.0
T = TypeVar("T")


class Retry:
    """For one thread. That it waits, and that this is over, is said once each, on stderr."""

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing
        self.waits = False
        """Whether the last try has failed."""

    def until_written(self, write: Callable[[], T]) -> T | None:
        """What `write` returns, tried until it raises no `OutputError`; None once `closing` is
        set."""
        while not self._closing.is_set():
            try:
                written = write()
            except OutputError as error:
                if not self.waits:
                    self.waits = True
                    words.print(f"nothing is answered until the disk can be written: {error}")
                self._closing.wait(_WAIT_S)
                continue
            if self.waits:
                self.waits = False
                words.print("the disk can be written again: studies are answered")
            return written
        return None
