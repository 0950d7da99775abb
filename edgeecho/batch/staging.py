"""A cohort's files, hashed and if need be fetched ahead of their use."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from edgeecho.batch.source import Item
from edgeecho.common.errors import InputError
from edgeecho.common.files import sha256_file

_THREADS = 4
_AHEAD = 16
_PIECE = 1 << 20


@dataclass(frozen=True)
class Staged:
    """A file that can be read here."""

    item: Item
    file: Path
    sha256: str | None
    """None if it cannot be read; answering it gives the reason."""
    error: InputError | None = None
    """Why it could not be fetched."""

    def drop(self) -> None:
        """Remove what was fetched."""
        if self.item.protocol is not None:
            shutil.rmtree(self.file.parent, ignore_errors=True)


class Stage:
    """Where files are fetched to: a folder of its own, which ends with it."""

    def __init__(self, folder: Path, most_mb: int) -> None:
        self._folder, self._most = folder, most_mb * 1_000_000

    def take(self, item: Item) -> Staged:
        """Hash a file, after fetching it if it is not here."""
        if item.protocol is None:
            return Staged(item, Path(item.path), _sha256(Path(item.path)))
        file = self._folder / str(item.number) / item.name
        try:
            self._fetch(item, file)
        except InputError as error:
            return Staged(item, file, None, error)
        except Exception as error:  # noqa: BLE001 each protocol has its own errors
            # Its message may have folders or keys in it.
            why = type(error).__name__
            failed = InputError(f"{item.name}: it cannot be fetched ({why}): check its URL")
            return Staged(item, file, None, failed)
        return Staged(item, file, _sha256(file))

    def _fetch(self, item: Item, file: Path) -> None:
        import fsspec

        file.parent.mkdir(parents=True, exist_ok=True)
        with fsspec.open(item.path, "rb") as source, file.open("wb") as target:
            while piece := source.read(_PIECE):
                target.write(piece)
                if target.tell() > self._most:
                    raise InputError(
                        f"{item.name} has more than {self._most / 1e6:g} MB: raise --max-mb"
                    )


@contextmanager
def staged(stage: Stage, items: Iterable[Item]) -> Iterator[Iterator[Staged]]:
    """`items` in their order, a few ahead of their use; those that are not used are dropped."""
    pool, left = ThreadPoolExecutor(_THREADS, "edgeecho-stage"), iter(items)
    ahead: deque[Future[Staged]] = deque()

    def take() -> Iterator[Staged]:
        ahead.extend(pool.submit(stage.take, item) for item in islice(left, _AHEAD))
        while ahead:
            found = ahead.popleft().result()
            ahead.extend(pool.submit(stage.take, item) for item in islice(left, 1))
            yield found

    try:
        yield take()
    finally:
        pool.shutdown(cancel_futures=True)


def _sha256(file: Path) -> str | None:
    try:
        # Reading a pipe would not end.
        return sha256_file(file) if file.is_file() else None
    except OSError:
        return None
