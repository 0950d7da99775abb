"""A cache of compiled models that outlives the process.

This is our own cache, not OpenVINO's `CACHE_DIR`, which has no checksum: a compiled model with a
few changed bytes runs without any error and gives another EF (with OpenVINO 2026.4, 3 of 16
damaged files did; one answered -3e33). Nor does its key include the artefact's hash.

An entry is one file: a line of JSON that describes it, then the compiled model. Only the owner may
write it, because whoever can write it can change an EF. It contains nothing about any video, and no
paths. The cache is optional: any problem with it costs time and one line on stderr.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from edgeecho.common.errors import OutputError
from edgeecho.common.files import atomic_path, parse_json

VARIABLE = "EDGEECHO_CACHE"
"""Environment variable that names another folder; empty or `off` disables the cache."""
LIMIT_BYTES = 1_000_000_000
"""Maximum size of all entries together; the least recently used are removed first."""
_FORMAT = 1
_SUFFIX = ".compiled"
# Following a link would check one file and read another; opening a pipe would block.
_READ_ENTRY = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
)
# A file that is being written is older than this only if its writer was killed.
_ABANDONED_S = 3600


def cache_folder() -> Path | None:
    """The folder of the entries, which may not exist yet; None if the cache is switched off."""
    given = os.environ.get(VARIABLE)
    if given is not None:
        return None if given.strip().lower() in ("", "off") else Path(given)
    try:
        return _system_folder() / "edgeecho"
    except RuntimeError:  # this user has no home
        return None


def describe_folder() -> str:
    """The folder as text for people, without the user's name."""
    if cache_folder() is None:
        return "switched off"
    if VARIABLE in os.environ:
        return f"${VARIABLE}"
    if os.environ.get("XDG_CACHE_HOME"):
        return "$XDG_CACHE_HOME/edgeecho"
    return str(Path("~", *(_system_folder() / "edgeecho").relative_to(Path.home()).parts))


def load_entry(key: Mapping[str, Any]) -> bytes | None:
    """The compiled model stored under `key`; None if there is none or its checksum is wrong."""
    path = _entry_path(key)
    if path is None or not _folder_is_safe(path.parent):
        return None
    head, blob = None, b""
    try:
        with os.fdopen(os.open(path, _READ_ENTRY), "rb") as stream:
            # Check the open file, not the name, which may point to another file by now.
            if _only_we_write(os.fstat(stream.fileno())):
                head = parse_json(stream.readline(1 << 16))
                blob = stream.read()
    except ValueError:  # no JSON
        pass
    except OSError:
        if not path.is_symlink():  # storing says what is wrong
            return None
    if head != _head(key, blob):
        say("a compiled model in the cache is damaged or not ours: it is compiled anew")
        return None
    with suppress(OSError):
        os.utime(path)  # the modification time records the last use
    return blob


def store_entry(key: Mapping[str, Any], blob: bytes) -> None:
    """Store `blob`; remove the least recently used entries if the cache grows beyond its limit."""
    path = _entry_path(key)
    if path is None or len(blob) > LIMIT_BYTES or not _folder_is_safe(path.parent):
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with atomic_path(path, mode=0o600) as temporary, temporary.open("wb") as stream:
            stream.write(json.dumps(_head(key, blob), sort_keys=True).encode() + b"\n")
            stream.write(blob)
        _prune(path)
    except (OSError, OutputError) as error:
        reason = error.__cause__ if isinstance(error, OutputError) else error
        words = getattr(reason, "strerror", None) or type(reason).__name__
        say(
            f"the compiled model is not kept for the next time ({words}; ${VARIABLE}=off: no cache)"
        )


def entries() -> dict[Path, os.stat_result]:
    """All files of the cache, with their `stat`."""
    folder = cache_folder()
    found = {}
    with suppress(OSError):  # no folder: no entries
        for path in folder.iterdir() if folder else ():
            if path.suffix == _SUFFIX:
                with suppress(OSError):  # another process removed it
                    found[path] = path.lstat()
    return found


def clear_cache() -> int:
    """Remove every entry and nothing else; return their number. Raises `OutputError`."""
    found = entries()
    for path in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"the cache cannot be cleared: {error.strerror}") from error
    return len(found)


@cache
def say(message: str) -> None:
    """Print a message on stderr, each message once per process."""
    from edgeecho.common.console import words

    words.print(message)


def _system_folder() -> Path:
    if given := os.environ.get("XDG_CACHE_HOME"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    return Path.home() / ".cache"


def _folder_is_safe(folder: Path) -> bool:
    """Whether other users cannot replace our files; True also if there is no folder yet.

    A folder that a group may write to passes: files of other owners are never run.
    """
    try:
        facts = folder.stat()
    except OSError:  # storing says what is wrong
        return True
    if not hasattr(os, "getuid") or not facts.st_mode & stat.S_IWOTH:
        return True
    # In a sticky folder, only an entry's owner and the folder's rename and remove it.
    if facts.st_mode & stat.S_ISVTX and facts.st_uid == os.getuid():
        return True
    say(
        "others can write to the cache folder, so no compiled model is taken from it or kept "
        f"there: chmod o-w it, or name another in ${VARIABLE}"
    )
    return False


def _only_we_write(facts: os.stat_result) -> bool:
    if not stat.S_ISREG(facts.st_mode):
        return False
    if not hasattr(os, "getuid"):
        return True
    return facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _entry_path(key: Mapping[str, Any]) -> Path | None:
    folder = cache_folder()
    if folder is None:
        return None
    text = json.dumps(key, sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}{_SUFFIX}"


def _head(key: Mapping[str, Any], blob: bytes) -> dict[str, Any]:
    return {"edgeecho": _FORMAT, "key": dict(key), "sha256": hashlib.sha256(blob).hexdigest()}


def _prune(newest: Path) -> None:
    found = entries()
    for path, facts in list(found.items()):
        if path.name.startswith("."):
            del found[path]
            if time.time() - facts.st_mtime > _ABANDONED_S:
                path.unlink(missing_ok=True)
    total = sum(facts.st_size for facts in found.values())
    for path, facts in sorted(found.items(), key=lambda entry: entry[1].st_mtime):
        if total > LIMIT_BYTES and path != newest:
            path.unlink(missing_ok=True)
            total -= facts.st_size
