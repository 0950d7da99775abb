"""A state folder at the start: checking that it is ours, and tidying after an earlier process.

Files are deleted only if they were certainly written here and never acknowledged, and links are
not followed: the folder is the user's choice and may hold valuable files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from edgeecho.common.console import words
from edgeecho.common.errors import OutputError
from edgeecho.common.files import flush
from edgeecho.service.jobs.database import NAME, output_errors
from edgeecho.service.jobs.files import DRAFTS, REPORTS, SECOND, STUDIES, Files
from edgeecho.service.jobs.job import Job

UNKNOWN = "unknown"
_PLACES = (STUDIES, DRAFTS, REPORTS)
_FOLDERS = (*_PLACES, UNKNOWN)
_JOB = re.compile(rf"([0-9a-f]{{32}})(?:{re.escape(SECOND)})?")
# An upload that was never acknowledged, and the temporary file of a report or its draft
# (`edgeecho.common.files.atomic_path`).
_LEFT = re.compile(r"[0-9a-f]{32}\.part|\.[0-9a-f]{32}(?:\.second)?-\w+\.tmp")


def check_folder(folder: Path, beside: Iterable[Path] = ()) -> None:
    """`OutputError` if a state folder is not ours, or its database was lost; changes nothing.

    `beside`: what else the user keeps in it, such as the model.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is no folder: choose another --state")
    with output_errors(folder):
        for name in (*_FOLDERS, NAME, f"{NAME}-wal"):
            _check_name(folder / name)
        for name in _PLACES:
            _check_name(folder / UNKNOWN / name)
        database, log = folder / NAME, folder / f"{NAME}-wal"
        # SQLite discards the log of an empty database, and with it the last commits.
        lost = _has_bytes(log) and not _has_bytes(database)
        if not folder.exists() or (database.exists() and not lost):
            return
        known = {_first_part(path, folder) for path in beside}
        found = [path.name for path in folder.iterdir() if _counts(path, known)]
    if any(name in (*_FOLDERS, "sr") or name.startswith(NAME) for name in found):
        raise OutputError(
            f"{folder} holds studies, but {NAME}, which says what became of them, was lost: put it "
            "back, or choose another --state; nothing was touched"
        )
    if found:
        raise OutputError(
            f"{folder} is not empty and no state folder of edgeecho (it has no {NAME}): choose an "
            "empty or a new folder as --state"
        )


def tidy(folder: Path, files: Files, find: Callable[[str], Job]) -> None:
    """After a crash, delete what was never acknowledged and what is no longer needed.

    `find` returns a job, or raises `KeyError` if the database has none; that job's files are set
    aside, since an older database may have been restored.
    """
    aside = 0
    for place in (files.studies, files.drafts, files.reports):
        for path in list(place.iterdir()):
            if path.is_symlink() or not path.is_file():
                continue
            if _LEFT.fullmatch(path.name):
                path.unlink()
            elif named := _JOB.fullmatch(path.name):
                try:
                    files.let_go(find(named[1]))
                except KeyError:
                    aside += _set_aside(path, folder / UNKNOWN / place.name)
    if aside:
        words.print(
            f"{NAME} does not know {aside} files of studies: they were set aside in "
            f"{folder / UNKNOWN}"
        )


def _set_aside(path: Path, place: Path) -> bool:
    for private in (place.parent, place):
        private.mkdir(mode=0o700, exist_ok=True)
    if (place / path.name).exists():
        return False
    path.rename(place / path.name)
    flush(place)
    return True


def _check_name(path: Path) -> None:
    if path.is_symlink():
        raise OutputError(
            f"{path} is a link, which edgeecho does not follow: remove it, or choose another "
            "--state"
        )
    folder = path.name in _FOLDERS
    if path.exists() and not (path.is_dir() if folder else path.is_file()):
        raise OutputError(
            f"{path} is no {'folder' if folder else 'file'}: remove it, or choose another --state"
        )


def _counts(path: Path, known: set[str | None]) -> bool:
    """Whether a folder that holds it counts as not empty."""
    if path.name.startswith(".") or path.name == "lost+found" or path.name in known:
        return False
    # An interrupted start leaves these, and an empty database.
    if path.name in _FOLDERS:
        return any(not inner.name.startswith(".") for inner in path.iterdir())
    return path.name != NAME


def _has_bytes(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _first_part(path: Path, folder: Path) -> str | None:
    with suppress(ValueError):
        parts = path.resolve().relative_to(folder.resolve()).parts
        return parts[0] if parts else None
    return None
