"""Writing files so that nothing half-written is ever seen under a final name."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from edgeecho.common.errors import OutputError, UsageError

# What a user can mend; any other OSError in a writing block is a bug and keeps its traceback.
_MENDABLE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.EBUSY,
}  # fmt: skip


_DEEPEST_JSON = 64


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


# It can only be read by changing it, for all threads: once, before there are any.
_UMASK = _read_umask()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file begins so, by its first 9 bytes: the length of a JSON object, and its `{`.

    To be asked before any other kind, since the length may begin with any byte.
    """
    # The format allows no longer header.
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 100_000_000


def make_folder(path: Path) -> None:
    """Create a folder and its parents; `OutputError` where that cannot be done."""
    with _output_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def parse_json(text: str | bytes) -> Any:
    """A JSON document of others; `ValueError` for what is none or nests beyond 64 levels.

    What is accepted can be walked by recursion; it may still be of any type.
    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("it nests too deeply") from error
    level = [value]
    for _ in range(_DEEPEST_JSON):
        containers = [v for v in level if isinstance(v, dict | list)]
        level = [inner for v in containers for inner in (v.values() if isinstance(v, dict) else v)]
    if any(isinstance(v, dict | list) for v in level):
        raise ValueError("it nests too deeply")
    return value


@contextmanager
def atomic_path(path: Path, *, mode: int | None = None) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, since many writers choose the format by it. `mode`: of
    the published file, such as 0o600; None: what the user's umask gives to a new one.
    `OutputError` where the file cannot be written.
    """
    make_folder(path.parent)
    with _output_errors(path):
        if path.exists() and not path.is_file():
            # Renaming over /dev/stdout, say, would replace the device.
            raise OutputError(f"{path} is not a regular file: choose another name")
        descriptor, name = tempfile.mkstemp(
            prefix=f".{path.stem}-", suffix=f".tmp{path.suffix}", dir=path.parent
        )
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            with temporary.open("rb") as stream:
                os.fsync(stream.fileno())
            # mkstemp gives 0600; a published file gets what the user's umask would have given.
            temporary.chmod(0o666 & ~_UMASK if mode is None else mode)
            temporary.replace(path)
            with suppress(PermissionError):  # a folder that may be written to and not read
                flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, marker: str, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `path`; rename it to `path` if the block succeeds.

    An existing, non-empty `path` is a `UsageError` unless `overwrite` is set and it holds the
    file `marker`, which says that it is a folder of the same kind; it stays until the new
    folder is complete. `OutputError` where the folder cannot be written.
    """
    path = path.resolve()
    _check_replaceable(path, marker, overwrite)
    make_folder(path.parent)
    with _output_errors(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", suffix=".tmp", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_UMASK)
            _publish(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def append_line(path: Path, line: str) -> None:
    """Add a line to a file that grows; who is killed in it leaves a last line without an end."""
    with _output_errors(path), path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, in a form that people can read and diff."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def _check_replaceable(path: Path, marker: str, overwrite: bool) -> None:
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} exists and is not a folder: choose another name")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not overwrite:
        raise UsageError(f"{path} exists: choose another folder or add --overwrite")
    if not (path / marker).is_file():
        raise UsageError(f"{path} holds something else (no {marker}): choose another folder")


def _publish(temporary: Path, path: Path) -> None:
    if not path.is_dir():
        temporary.replace(path)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    path.replace(retired)
    try:
        temporary.replace(path)
    except OSError:
        retired.replace(path)
        raise
    shutil.rmtree(retired)


@contextmanager
def _output_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        raise OutputError(f"{path} cannot be written: {error.strerror}") from error


def flush(path: Path) -> None:
    """A file's bytes, or a folder's names, are on the disk afterwards, where the system can."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
