"""What a way to a destination is, and how it fails."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol


class UnreachableError(Exception):
    """Nobody took anything, for a reason that lies in the connection."""


class NotTakenError(Exception):
    """The destination answered that it does not take this one."""


class Link(Protocol):
    """An open way to a destination."""

    def send(self, report: Path) -> None:
        """`UnreachableError`, `NotTakenError`."""


class Target(Protocol):
    """A destination; its `str` names it."""

    def open(self) -> AbstractContextManager[Link]:
        """`UnreachableError`."""

    def abort(self) -> None:
        """From another thread: end what goes on, as far as that can be, and allow no more."""
