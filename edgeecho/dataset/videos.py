"""Finding the file in Videos/ that a row of FileList.csv names."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from edgeecho.cine import VIDEO_SUFFIXES


def bare_name(file_name: str) -> str:
    """The name without a video suffix. Other dots, such as those in a UID, are part of it."""
    return _parts(file_name)[0]


class VideoFolder:
    """The files of a folder, listed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: set[str] = set()
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        if not folder.is_dir():
            return
        with os.scandir(folder) as entries:
            self._files = {entry.name for entry in entries if entry.is_file()}
        for file in sorted(self._files):
            stem, suffix = _parts(file)
            if suffix:
                self._by_name[stem].append(file)
                self._by_name[stem + suffix].append(file)

    def find(self, name: str) -> Sequence[Path]:
        """The file of exactly this name, or otherwise those of this name with a video suffix.

        Suffixes may be in any case. The result may be empty, or ambiguous with several files.
        """
        if name in self._files:
            return [self._folder / name]
        return [self._folder / file for file in self._by_name.get("".join(_parts(name)), [])]


def _parts(file_name: str) -> tuple[str, str]:
    """Stem and video suffix in lower case; the suffix is empty if it is not a video's."""
    path = Path(file_name)
    suffix = path.suffix.lower()
    return (path.stem, suffix) if suffix in VIDEO_SUFFIXES else (file_name, "")
