"""The interface of destinations, and the errors of sending."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class UnreachableError(Exception):
    """Nothing was delivered, because of the connection."""


class NotTakenError(Exception):
    """The destination answered that it does not take this report."""


class Link(Protocol):
    """An open connection to a destination."""

    def send(self, report: Path) -> None:
        """Deliver a report; `UnreachableError`, `NotTakenError`."""


class Target(Protocol):
    """A destination; its `str` names it."""

    def open(self) -> AbstractContextManager[Link]:
        """Connect; `UnreachableError` if that fails."""

    def abort(self) -> None:
        """From another thread: interrupt the sending if possible, and allow no more."""
