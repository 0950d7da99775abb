"""What every kind of destination offers, and how sending to it fails."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class UnreachableError(Exception):
    """Nothing was taken, because of the connection."""


class NotTakenError(Exception):
    """The destination answered that it does not take this one."""


class Link(Protocol):
    """An open connection to a destination."""

    def send(self, report: Path) -> None:
        """`UnreachableError`, `NotTakenError`."""


class Target(Protocol):
    """A destination; its `str` names it."""

    def open(self) -> AbstractContextManager[Link]:
        """`UnreachableError`."""

    def abort(self) -> None:
        """From another thread: end what is being sent, where possible, and allow no more."""
