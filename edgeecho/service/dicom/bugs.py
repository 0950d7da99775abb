"""Recognising our own bugs, and logging them without anything that a peer sent."""

from __future__ import annotations

import logging
import traceback

log = logging.getLogger(__name__)

_OURS = "edgeecho"
_PARSERS = ("pydicom", "pynetdicom")


def is_bug(error: BaseException) -> bool:
    """Whether it arose in our code, not where pynetdicom or pydicom parsed what a peer sent."""
    modules = [
        str(frame.f_globals.get("__name__", "")).partition(".")[0]
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    last = [module for module in modules if module in (_OURS, *_PARSERS)][-1:]
    return last == [_OURS]


def log_bug(what: str, error: BaseException) -> None:
    """Log its location without its text, which may quote a dataset."""
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("%s failed: %s at\n%s", what, type(error).__name__, where)
