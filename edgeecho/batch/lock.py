"""A file that one process holds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeecho.common.errors import OutputError


@contextmanager
def locked(path: Path, instead: str) -> Iterator[None]:
    """Hold the file `path`, so that no other process writes what it stands for; a kill releases it.

    `OutputError`, which ends with `instead`, if another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{path.parent} is being written by another process: wait for it, or {instead}"
            ) from error
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(descriptor)
