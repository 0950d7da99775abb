"""Finding the cines in a folder, such as a study's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeecho.cine.container import container_of, no_video
from edgeecho.cine.dicom import is_dicom, kind_of_file
from edgeecho.common.errors import InputError

VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".wmv", ".dcm"}
)
"""Files with these suffixes are always taken from a folder: a broken one must be reported. Others
are taken if their first bytes are those of a video or a DICOM file."""

_HEAD_BYTES = 1024
# SOP class of the directory of a DICOM medium, an index without an image (PS3.10, 8.6).
_DICOMDIR = b"UI\x14\x001.2.840.10008.1.3.10"
_UNKNOWN = "other file"


@dataclass(frozen=True)
class FoundVideos:
    """The files to read, and a count of the others."""

    files: tuple[Path, ...]
    passed_over: Mapping[str, int]
    """Number of other files in the folders by kind, such as `still`."""

    @property
    def passed_over_words(self) -> str:
        """Such as `2 stills, 1 structured report`."""
        return _words(self.passed_over)


def find_videos(paths: Iterable[Path]) -> FoundVideos:
    """The given files, and the videos in the given folders and their sub-folders, sorted.

    A study's stills, reports and other objects are passed over, and hidden files and folders are
    ignored. A folder without videos is an `InputError`.
    """
    files: list[Path] = []
    passed_over = Counter[str]()
    for path in paths:
        if not _is_folder(path):
            files.append(path)
            continue
        kinds = {file: _other(file) for file in _inside(path)}
        others = Counter(kind for kind in kinds.values() if kind is not None)
        if len(kinds) == others.total():
            raise InputError(
                f"{path.name or path} holds no videos and no DICOM cines "
                f"({_words(others) or 'it is empty'}): choose another folder"
            )
        files += [file for file, kind in kinds.items() if kind is None]
        passed_over += others
    return FoundVideos(tuple(files), passed_over)


def _words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {noun}{'s' if n > 1 else ''}" for noun, n in sorted(counts.items()))


def _inside(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.is_dir()
    )


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # too long a name, say: reading it as a file gives the reason
        return False


def _other(path: Path) -> str | None:
    """The kind of a file that is no cine; None for a video, whole or broken."""
    if not path.is_file():  # opening a pipe would block for ever
        return _UNKNOWN
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:  # reading it gives the reason
        return None
    if is_dicom(head):
        if _DICOMDIR in head:
            return _UNKNOWN
        kind = kind_of_file(path)
        return kind.noun if kind else None
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return None
    return no_video(head) or (None if _is_video(head) else _UNKNOWN)


def _is_video(head: bytes) -> bool:
    kind = container_of(head)
    if kind == "mp4":
        # A first box of 16 MB or more is text that has a box's name at its fifth letter by chance.
        return head[0] == 0
    # Bare H.264 has no mark of its own: icons begin with the same bytes.
    return kind not in (None, "h26x")
