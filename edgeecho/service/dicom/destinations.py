"""Destinations of reports: an archive or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydicom import dcmread

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.common.errors import OutputError
from edgeecho.common.files import atomic_path
from edgeecho.service.dicom.archive import Archive
from edgeecho.service.dicom.link import Link, NotTakenError, Target
from edgeecho.service.dicom.settings import NodeSettings


class Folder:
    """Files named by their SOP Instance UID, so that the same report is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return "folder"

    @contextmanager
    def open(self) -> Iterator[Link]:
        yield self

    def abort(self) -> None:
        """Does nothing: writing a file cannot be interrupted."""

    def send(self, report: Path) -> None:
        """Write the file; `OutputError` if that fails."""
        try:
            uid = dcmread(report, specific_tags=["SOPInstanceUID"]).SOPInstanceUID
        except DAMAGE:
            raise NotTakenError("the file of the report is damaged") from None
        try:
            # Reports contain patients' names.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_path(self._folder / f"{uid}.dcm", mode=0o600) as temporary:
                temporary.write_bytes(report.read_bytes())
        except OSError as error:  # a network folder fails in many ways
            raise OutputError(f"it cannot be written: {error.strerror}") from error


def target_of(settings: NodeSettings) -> Target:
    """The destination in these settings."""
    to = settings.results
    if isinstance(to, Path):
        return Folder(to)
    return Archive(to, settings.ae_title, pdf=settings.pdf)
