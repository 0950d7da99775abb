"""Where reports go: by C-STORE to an archive, or into a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE
from pynetdicom.association import Association

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.errors import OutputError
from edgeecho.files import atomic_path
from edgeecho.node.settings import Destination, Settings

_COMPREHENSIVE_SR = "1.2.840.10008.5.1.4.1.1.88.33"
_PATIENCE_S = 20.0
# PS3.4, table B.2-1: stored, if with some values changed.
_WARNINGS = (0xB000, 0xB006, 0xB007)


class UnreachableError(Exception):
    """Nobody took anything, for a reason that lies in the connection."""


class NotTakenError(Exception):
    """The destination answered that it does not take this one."""


class Link(Protocol):
    """An open way to a destination."""

    def send(self, report: Path) -> None:
        """`UnreachableError`, `NotTakenError`."""


class Archive:
    """An application entity that stores Comprehensive SR."""

    def __init__(self, destination: Destination, ae_title: str) -> None:
        self._destination = destination
        self._ae = AE(ae_title=ae_title)
        self._ae.add_requested_context(
            _COMPREHENSIVE_SR, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        )
        self._ae.acse_timeout = self._ae.dimse_timeout = _PATIENCE_S
        self._ae.network_timeout = self._ae.connection_timeout = _PATIENCE_S

    def __str__(self) -> str:
        return str(self._destination)

    @contextmanager
    def open(self) -> Iterator[Link]:
        """One association; `UnreachableError` where there is none."""
        to = self._destination
        try:
            association = self._ae.associate(to.host, to.port, ae_title=to.ae_title)
        except OSError as error:  # a host's name that nobody knows
            raise UnreachableError(error.strerror or "the host is unknown") from error
        except UnicodeError as error:
            raise UnreachableError("the host's name is none") from error
        try:
            if association.is_rejected:
                raise UnreachableError("the association was rejected: are the AE titles known?")
            if not association.is_established:
                raise UnreachableError("no association: is it up, and does it take SR?")
            yield _Sending(association)
        finally:
            if association.is_established:
                association.release()


class _Sending:
    def __init__(self, association: Association) -> None:
        self._association = association

    def send(self, report: Path) -> None:
        try:
            dataset = dcmread(report)
        except DAMAGE:
            raise NotTakenError("the file of the report is damaged") from None
        try:
            status = self._association.send_c_store(dataset).get("Status")
        except RuntimeError:  # it is established no more
            status = None
        if status is None:
            raise UnreachableError("the association was lost")
        if status != 0 and status not in _WARNINGS:
            raise NotTakenError(f"status {status:04X}")


class Folder:
    """Files that are called by their SOP Instance UID: the same report is the same file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return "folder"

    @contextmanager
    def open(self) -> Iterator[Link]:
        """It is always open."""
        yield self

    def send(self, report: Path) -> None:
        """`OutputError` where it cannot be written."""
        try:
            uid = dcmread(report, specific_tags=["SOPInstanceUID"]).SOPInstanceUID
        except DAMAGE:
            raise NotTakenError("the file of the report is damaged") from None
        try:
            # They name patients.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_path(self._folder / f"{uid}.dcm") as temporary:
                temporary.write_bytes(report.read_bytes())
        except OSError as error:  # a network's folder fails in many ways
            raise OutputError(f"it cannot be written: {error.strerror}") from error


def target_of(settings: Settings) -> Archive | Folder:
    """Where these settings send results."""
    to = settings.results
    return Folder(to) if isinstance(to, Path) else Archive(to, settings.ae_title)
