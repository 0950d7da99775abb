"""Which file in Videos/ a row of FileList.csv means."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from edgeecho.cine import VIDEO_SUFFIXES


def bare_name(file_name: str) -> str:
    """Without a video's suffix. Other dots, such as those of a UID, are of the name."""
    return _parts(file_name)[0]


class VideoFolder:
    """The files of a folder, looked at once."""

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
        """The file of exactly this name, or else those of this name with a video's suffix.

        Suffixes may be written in any case. None or several: it is not clear what is meant.
        """
        if name in self._files:
            return [self._folder / name]
        return [self._folder / file for file in self._by_name.get("".join(_parts(name)), [])]


def _parts(file_name: str) -> tuple[str, str]:
    """Stem and suffix, this in lower case and empty where it is no video's."""
    path = Path(file_name)
    suffix = path.suffix.lower()
    return (path.stem, suffix) if suffix in VIDEO_SUFFIXES else (file_name, "")
