"""What is brought to the disk, in the order in which it is."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest


def spy_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What from now on is flushed and renamed, in order.

    Each `os.fsync` adds a file's bytes, or a folder's sorted names, as they are at that moment;
    each rename of a `Path` adds its new one.
    """
    seen: list[object] = []

    def fsync(descriptor: int) -> None:
        about = os.fstat(descriptor)
        if stat.S_ISDIR(about.st_mode):
            seen.append(sorted(os.listdir(descriptor)))
        else:
            seen.append(os.pread(descriptor, about.st_size, 0))

    def spied(rename: Any) -> Any:
        def renamed(self: Path, target: Path) -> Path:
            seen.append(target)
            return rename(self, target)

        return renamed

    monkeypatch.setattr(os, "fsync", fsync)
    for name in ("rename", "replace"):
        monkeypatch.setattr(Path, name, spied(getattr(Path, name)))
    return seen
