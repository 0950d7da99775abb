"""Waiting for other processes, and checking that they are running."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def wait(until: Callable[[], Any], seconds: float = 60) -> Any:
    """What `until` gives, once that is true."""
    end = time.monotonic() + seconds
    while not (found := until()):
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def children(pid: int) -> list[int]:
    """Process ids of those that any of its threads started."""
    listed = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in listed for child in file.read_text().split()]
