"""Suppressing messages of pydicom, Pillow and gdcm, which may quote the file."""

from __future__ import annotations

import logging
import os
import struct
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL.Image import DecompressionBombError
from pydicom.errors import BytesLengthException, InvalidDicomError

# What their parsers raise for damaged files.
DAMAGE = (
    ArithmeticError,
    AttributeError,
    BytesLengthException,
    DecompressionBombError,
    EOFError,
    InvalidDicomError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
_one_at_a_time = threading.Lock()


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress warnings and log messages of pydicom, and of highdicom, which builds on it."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


@contextmanager
def overheard() -> Iterator[Callable[[], bool]]:
    """Suppress what C code prints on stderr; yields a function that says whether it printed.

    The libjpeg inside gdcm decodes damaged data and only prints a warning: there is no other way to
    detect damage, or to silence it.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as caught:
        try:
            stderr = os.dup(2)
        except OSError:  # without stderr nothing is printed
            yield lambda: False
            return
        try:
            os.dup2(caught.fileno(), 2)
            yield lambda: os.fstat(caught.fileno()).st_size > 0
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
