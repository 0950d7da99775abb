"""Sending reports by C-STORE to an archive, which may hang, lie or vanish at any point."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.uid import (
    ComprehensiveSRStorage,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.transport import AddressInformation

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.service.dicom.bugs import is_bug
from edgeecho.service.dicom.connection import PDU_BYTES, BoundedSocket
from edgeecho.service.dicom.guard import end, guard
from edgeecho.service.dicom.link import Link, NotTakenError, UnreachableError
from edgeecho.service.dicom.messages import StoreResponses
from edgeecho.service.dicom.settings import Destination

_PATIENCE_S = 20.0
"""Time limit for a connection, and for each response."""
# PS3.4, table B.2-1: stored, possibly with changed values.
_WARNINGS = (0xB000, 0xB006, 0xB007)


class Archive:
    """An application entity that stores Comprehensive SR, and perhaps encapsulated PDFs."""

    def __init__(self, destination: Destination, ae_title: str, *, pdf: bool = False) -> None:
        """`pdf`: encapsulated PDFs will be sent too."""
        self._destination = destination
        classes = [ComprehensiveSRStorage, *([EncapsulatedPDFStorage] if pdf else [])]
        self._ae = _Entity(ae_title, classes, self._begin)
        self._association: Association | None = None
        self._aborted = False

    def __str__(self) -> str:
        return str(self._destination)

    @contextmanager
    def open(self) -> Iterator[Link]:
        """Open one association; `UnreachableError` if that fails."""
        try:
            yield _Sending(self._associate())
        finally:
            association, self._association = self._association, None
            if association is not None:
                with suppress(UnreachableError), _answers():
                    association.release()
                end([association])

    def abort(self) -> None:
        """End the association from another thread, and allow no further one."""
        self._aborted = True
        if (association := self._association) is not None:
            end([association])

    def _associate(self) -> Association:
        with _answers():
            association = self._request()
        if association.is_rejected:
            raise UnreachableError("the association was rejected: are the AE titles known?")
        if not association.is_established:
            raise UnreachableError("no association: is it up, and does it take SR?")
        return association

    def _request(self) -> Association:
        to = self._destination
        try:
            return self._ae.associate(to.host, to.port, ae_title=to.ae_title, max_pdu=PDU_BYTES)
        except OSError as error:  # an unknown host name, for instance
            raise UnreachableError(error.strerror or "the host is unknown") from error
        except UnicodeError as error:
            raise UnreachableError("the host's name is none") from error

    def _begin(self, association: Association) -> None:
        self._association = association
        if self._aborted:  # before `abort` could see this association
            raise UnreachableError("the node is being closed")


class _Sending:
    def __init__(self, association: Association) -> None:
        self._association, self._numbers = association, count(1)

    def send(self, report: Path) -> None:
        dataset = _read(report)
        taken = {context.abstract_syntax for context in self._association.accepted_contexts}
        if dataset.SOPClassUID not in taken:
            raise NotTakenError("it does not take objects of that class")
        with _answers():
            answer = self._association.send_c_store(dataset, msg_id=next(self._numbers) % 0x10000)
            status = answer.get("Status")
        if not isinstance(status, int):  # no response, or an invalid one
            raise UnreachableError("the association was lost")
        if status != 0 and status not in _WARNINGS:
            raise NotTakenError(f"status {status:04X}")


class _Entity(AE):
    """Requests associations over bounded sockets; `begin` gets each before it connects."""

    def __init__(
        self, ae_title: str, classes: Sequence[str], begin: Callable[[Association], None]
    ) -> None:
        super().__init__(ae_title=ae_title)
        self._begin = begin
        self.acse_timeout = self.dimse_timeout = _PATIENCE_S
        self.network_timeout = self.connection_timeout = _PATIENCE_S
        syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        for sop_class in classes:
            self.add_requested_context(sop_class, syntaxes)

    def _create_socket(
        self, assoc: Association, address: AddressInformation, tls_args: Any
    ) -> BoundedSocket:
        assert tls_args is None, "TLS is not offered"
        connection = BoundedSocket(assoc, address=address)
        guard(assoc, connection, StoreResponses(assoc), on_junk=lambda: None)
        self._begin(assoc)
        return connection


@contextmanager
def _answers() -> Iterator[None]:
    """Turn the many errors of pynetdicom on invalid input into `UnreachableError`."""
    try:
        yield
    except UnreachableError:
        raise
    except Exception as error:
        if is_bug(error):
            raise
        raise UnreachableError("it does not answer as an archive does") from None


def _read(report: Path) -> Dataset:
    try:
        dataset = dcmread(report)
        # What `send_c_store` requires.
        _ = dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.file_meta.TransferSyntaxUID
    except DAMAGE:
        raise NotTakenError("the file of the report is damaged") from None
    return dataset
