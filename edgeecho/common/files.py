"""Writing files atomically: no half-written file ever appears under its final name."""

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

# Errors that a user can fix; any other OSError while writing is a bug and keeps its traceback.
_MENDABLE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.EBUSY,
}  # fmt: skip


_DEEPEST_JSON = 64


def _read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


# The umask can only be read by setting it, for the whole process: do so once, before any thread.
_UMASK = _read_umask()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file's first 9 bytes are those of a safetensors file: a JSON length and `{`.

    Ask this before testing for other formats, since the length may begin with any byte.
    """
    # 100 MB is the format's limit for the header.
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= 100_000_000


def make_folder(path: Path) -> None:
    """Create a folder and its parents; raises `OutputError`."""
    with _output_errors(path):
        path.mkdir(parents=True, exist_ok=True)


def parse_json(text: str | bytes) -> Any:
    """Parse an untrusted JSON document; `ValueError` if it is invalid or deeper than 64 levels.

    The result is safe to walk recursively, but may be of any type.
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
    """Yield a temporary path beside `path`, and rename it to `path` if the block succeeds.

    The temporary name keeps the suffix, because many writers choose the format by it. `mode` is
    the permissions of the file, such as 0o600; None takes those of the user's umask. Raises
    `OutputError` if the file cannot be written.
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
            # mkstemp creates the file with mode 0600, whatever the umask.
            temporary.chmod(0o666 & ~_UMASK if mode is None else mode)
            temporary.replace(path)
            with suppress(PermissionError):  # the folder is writable but not readable
                flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, marker: str, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, and rename it to `path` if the block succeeds.

    A non-empty `path` raises `UsageError` unless `overwrite` is set and it contains the file
    `marker`, which shows that it is a folder of the same kind. It is replaced once the new folder
    is complete. Raises `OutputError` if the folder cannot be written.
    """
    path = path.resolve()
    check_replaceable(path, marker=marker, overwrite=overwrite)
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
    """Append a line. A process that is killed meanwhile leaves a last line without a newline."""
    with _output_errors(path), path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON atomically."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def check_replaceable(path: Path, *, marker: str, overwrite: bool) -> None:
    """`UsageError` where `atomic_folder` would refuse; for a command, before it does any work."""
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
    """Flush a file's bytes, or a folder's entries, to the disk, where the system supports that."""
    if path.is_dir() and os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
