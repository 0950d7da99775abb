"""Finding the videos in folders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgeecho.cine.container import container_of
from edgeecho.cine.dicom.detect import is_dicom
from edgeecho.errors import InputError

VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".mkv", ".m4v", ".webm", ".mpg", ".wmv", ".dcm"}
)
"""What is taken from a folder whatever its content: if it is broken, that must be said. Files of
other names are taken where they begin as a video or a DICOM file does."""

_HEAD_BYTES = 1024
# SOP class of the directory of a DICOM medium, an index without an image (PS3.10, 8.6).
_DICOMDIR = b"UI\x14\x001.2.840.10008.1.3.10"
# Photographs and sound in MP4's format, by the brand in their first box.
_NO_VIDEO = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif", b"ftypM4A ")


@dataclass(frozen=True)
class Found:
    """What is to be read."""

    files: tuple[Path, ...]
    passed_over: int
    """Files in folders that are neither videos nor DICOM images."""


def find_videos(paths: Iterable[Path]) -> Found:
    """Files as given; folders as the videos in them, sorted, sub-folders included.

    Hidden files and folders are not looked at. A folder without videos is an `InputError`.
    """
    files: list[Path] = []
    passed_over = 0
    for path in paths:
        if not _is_folder(path):
            files.append(path)
            continue
        inside = _inside(path)
        videos = [file for file in inside if _is_video(file)]
        if not videos:
            raise InputError(
                f"{path.name or path} holds no videos and no DICOM images "
                f"({len(inside)} other files): choose another folder, or name its files one by one"
            )
        files += videos
        passed_over += len(inside) - len(videos)
    return Found(tuple(files), passed_over)


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


def _is_video(path: Path) -> bool:
    if not path.is_file():  # a pipe, say: opening it would wait for ever
        return False
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:  # reading it gives the reason
        return True
    if is_dicom(head):
        return _DICOMDIR not in head
    kind = container_of(head)
    if kind == "mp4":
        # A first box of 16 MB and more is a text with one of their names at its fifth letter.
        return head[0] == 0 and head[4:12] not in _NO_VIDEO
    # Bare H.264 has no mark of its own: icons begin with the same bytes.
    return kind not in (None, "h26x")
