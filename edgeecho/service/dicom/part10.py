"""Writing a dataset to disk while it comes over the network."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pydicom.dataset import FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import EdgeEchoError
from edgeecho.service.dicom.statuses import (
    CANNOT_UNDERSTAND,
    OUT_OF_RESOURCES,
    LeftAside,
    Refused,
)

# The disk is checked again after so many bytes, since other programs fill it too.
_STRETCH = 1 << 22
_HEAD_BYTES = 1 << 16
"""The identifiers of a picture that is left aside come earlier than that."""


class Part(io.BytesIO):
    """A buffer for pynetdicom that is a file. Its first write begins a Part 10 file.

    Of a picture that is left aside the first bytes stay in memory, for `head`.

    It never raises, since pynetdicom would end the association without telling the sender.
    `trouble` says what went wrong; everything after that is discarded.
    """

    def __init__(
        self,
        new_file: Callable[[FileMetaDataset], Path],
        most_bytes: int,
        meta: Callable[[], FileMetaDataset],
        check_disk: Callable[[], None] = lambda: None,
    ) -> None:
        """`new_file`, and `check_disk` as the file grows, may raise `EdgeEchoError`; `new_file`
        also `Refused` and `LeftAside`. `meta` is called after the command has come."""
        super().__init__()
        self._new_file, self._most, self._meta = new_file, most_bytes, meta
        self._check_disk, self._checked = check_disk, 0
        self._stream: IO[bytes] | None = None
        self.path: Path | None = None
        self.trouble: Refused | LeftAside | None = None

    def write(self, data: Any) -> int:
        if self.trouble is None:
            try:
                stream = self._stream or self._begin()
                if stream.tell() + len(data) > self._most:
                    raise Refused(
                        OUT_OF_RESOURCES,
                        f"larger than {self._most // 1_000_000} MB, the limit here",
                    )
                if stream.tell() - self._checked > _STRETCH:
                    self._check_disk()
                    self._checked = stream.tell()
                stream.write(data)
            except (Refused, LeftAside) as answer:
                self.give_up(answer)
            except (EdgeEchoError, OSError) as error:
                self.give_up(Refused.of(error))
        if isinstance(self.trouble, LeftAside) and self.trouble.picture:
            super().write(data[: _HEAD_BYTES - self.tell()])
        return len(data)

    def head(self) -> io.BytesIO:
        """The beginning of a file of a picture that was left aside."""
        if self.path is not None and self.path.exists():
            with self.path.open("rb") as stream:
                return io.BytesIO(stream.read(_HEAD_BYTES))
        return io.BytesIO(self.getvalue())

    def finish(self) -> Path:
        """The complete file; `Refused` if it is not complete, `LeftAside` if nobody wants it."""
        if self.trouble is None and self._stream is None:
            self.trouble = Refused(CANNOT_UNDERSTAND, "there is no dataset")
        if self.trouble is None:
            try:
                self._close()
            except OSError as error:  # no room for the last bytes
                self.give_up(Refused.of(error))
        if self.trouble is not None:
            raise self.trouble
        assert self.path is not None
        return self.path

    def give_up(self, reason: Refused | LeftAside | None = None) -> None:
        """Delete the file, unless it was accepted and therefore renamed."""
        self.trouble = self.trouble or reason or Refused(CANNOT_UNDERSTAND, "cut short")
        with suppress(OSError):
            self._close()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def _begin(self) -> IO[bytes]:
        try:
            meta = self._meta()
            head = DicomBytesIO()
            write_file_meta_info(head, meta)
        except DAMAGE:
            raise Refused(CANNOT_UNDERSTAND, "the command names no object") from None
        begin = bytes(128) + b"DICM" + head.getvalue()
        try:
            self.path = self._new_file(meta)
        except LeftAside as other:
            if other.picture:
                super().write(begin)
            raise
        self._stream = self.path.open("wb", buffering=1 << 18)
        self._stream.write(begin)
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
