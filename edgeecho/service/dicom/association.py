"""Associations that peers request: a limited number, with datasets written to disk as they come.

pynetdicom 3.0 collects datasets in memory, and wakes up a thousand times a second in both threads
of every association. Its own way to files (`STORE_RECV_CHUNKED_DATASET`) is a setting of the whole
process, writes into the system's temporary folder, and leaves the file there if the sender
disconnects.
"""

from __future__ import annotations

import queue
import socket
import sys
from collections.abc import Callable
from typing import Any, cast

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, DIMSEMessage
from pynetdicom.dsutils import create_file_meta
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

from edgeecho.service.dicom.bugs import log_bug
from edgeecho.service.dicom.connection import TICK_S, BoundedSocket
from edgeecho.service.dicom.guard import end, guard
from edgeecho.service.dicom.messages import Messages
from edgeecho.service.dicom.part10 import Part

NewPart = Callable[[Callable[[], FileMetaDataset]], Part]


class _Requests(Messages):
    """Writes the datasets of C-STORE into `Part`s, one message at a time."""

    def __init__(self, association: Association, new_part: NewPart) -> None:
        super().__init__(association)
        self._new_part = new_part
        self._parts: list[Part] = []

    def get_msg(self, block: bool = False) -> Any:
        """As in pynetdicom, but the calling loop sleeps until a message comes."""
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=TICK_S)
        except queue.Empty:
            return None, None

    def new_message(self) -> DIMSEMessage:
        message = DIMSEMessage()
        part = self._new_part(lambda: self._meta(message))
        self._parts = [*filter(_is_held, self._parts), part]
        message.data_set = part
        return message

    def expects(self, message: DIMSEMessage) -> bool:
        return isinstance(message, (C_ECHO_RQ, C_STORE_RQ))

    def _meta(self, message: DIMSEMessage) -> FileMetaDataset:
        if not isinstance(message, C_STORE_RQ):
            raise ValueError("a dataset without C-STORE")
        command, context = message.command_set, cast(int, message.context_id)
        return create_file_meta(
            sop_class_uid=UID(command.AffectedSOPClassUID),
            sop_instance_uid=UID(command.AffectedSOPInstanceUID),
            transfer_syntax=self.assoc._accepted_cx[context].transfer_syntax[0],
        )

    def end(self) -> None:
        """After the association: delete what was not accepted."""
        for part in self._parts:
            part.give_up()


def _is_held(part: Part) -> bool:
    """Whether its file exists and was neither accepted, and so renamed, nor given up."""
    return part.path is not None and part.path.exists()


class _Handler(RequestHandler):
    """A connection, from its first byte until its cleanup."""

    server: Listener

    def handle(self) -> None:
        """Run the association; this thread waits until it ends."""
        association = self._create_association()
        try:
            association.start()
            # No limit, since some scanners stay connected for days; closing the node ends it.
            association.join()
        finally:
            cast(_Requests, association.dimse).end()
            self.server.shutdown_request(self.request)

    def _create_association(self) -> Association:
        association = super()._create_association()
        # The socket that it was created with has reported an open connection; ours reports again.
        association.dul.event_queue.get_nowait()
        client = cast(socket.socket, self.request)
        association.dul.socket = connection = BoundedSocket(association, client_socket=client)
        messages = _Requests(association, self.server.new_part)
        guard(association, connection, messages, self.server.on_junk)
        return association


class Listener(ThreadedAssociationServer):
    """Listens under one AE title; `OSError` if the port is not available."""

    request_queue_size = 256
    daemon_threads = True

    def __init__(
        self,
        entity: AE,
        address: tuple[str, int],
        *,
        handlers: list[evt.EventHandlerType],
        admits: Callable[[str], bool],
        new_part: NewPart,
        on_junk: Callable[[], None],
    ) -> None:
        """`admits` decides on every address, before a byte is read.

        `on_junk` is called once for an association whose peer sends something that is not DICOM.
        """
        self._admits, self.new_part, self.on_junk = admits, new_part, on_junk
        super().__init__(
            entity,
            address,
            entity.ae_title,
            entity.supported_contexts,
            evt_handlers=handlers,
            request_handler=_Handler,
        )
        # Its loop waits both for connections and for its end, so `accept` must not wait.
        cast(socket.socket, self.socket).setblocking(False)
        entity._servers.append(self)  # its shutdown removes it from there

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Whether to keep the connection: as many as the node serves, and as many again, which are
        told that it serves no more."""
        room = len(self.active_associations) < 2 * self.ae.maximum_associations
        return room and self._admits(client_address[0])

    def handle_error(self, _request: Any, _client_address: Any) -> None:
        """Replaces pynetdicom's method, which prints the peer's address."""
        if (error := sys.exc_info()[1]) is not None:
            log_bug("a connection", error)

    def end_all(self) -> None:
        end(self.active_associations)
