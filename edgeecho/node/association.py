"""What pynetdicom leaves open: bounds on what a peer may send, and datasets on the disk at once.

pynetdicom 3.0 collects a PDU of any claimed length and a dataset of any size in memory, waits for
ever for the rest of a PDU, and wakes up a thousand times a second in both threads of every
association. Its own way to files (`STORE_RECV_CHUNKED_DATASET`) is a switch for the whole process,
writes into the system's temporary folder, and leaves the file there when the sender goes away.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any, cast

from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.dsutils import create_file_meta
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from edgeecho.cine.dicom.quiet import DAMAGE
from edgeecho.node.part import Part

PDU_BYTES = 1 << 18
"""That we ask peers not to exceed; with the usual 16 kB Python would be busy 16 times as often."""
PATIENCE_S = 30.0
"""For a PDU that has begun to come, or an answer that the peer does not read."""
_MOST_PDU_BYTES = 2 * PDU_BYTES
_MOST_COMMAND_BYTES = 1 << 16
_TICK_S = 0.01
_FAREWELL_S = 1.0
NewPart = Callable[[Callable[[], FileMetaDataset]], Part]
_INVALID_PDU = "Evt19"  # PS3.8, 9.2: the association is aborted


class _Socket(AssociationSocket):
    """Reads no more than a PDU may have, in no more time than it may take."""

    def __init__(self, association: Association, client: socket.socket) -> None:
        super().__init__(association, client_socket=client)
        client.settimeout(PATIENCE_S)

    @property
    def ready(self) -> bool:
        """Whether there is something to read, soon: the loop around it need not sleep."""
        if self.socket is None or not self._is_connected:
            return False
        try:
            return bool(wait([self.socket], _TICK_S))  # unlike `select`, with any descriptor
        except (OSError, ValueError):
            self.event_queue.put("Evt17")  # connection closed
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """So many bytes, fewer where the peer is gone; `OSError` ends the connection."""
        if nr_bytes > _MOST_PDU_BYTES:
            raise OSError("a PDU that is longer than was agreed")
        data, have = bytearray(nr_bytes), 0
        end = time.monotonic() + PATIENCE_S
        with memoryview(data) as view:
            while have < nr_bytes:
                if time.monotonic() > end:
                    raise TimeoutError
                got = cast(socket.socket, self.socket).recv_into(view[have:])
                if not got:
                    break
                have += got
        return data[:have]


class _Messages(DIMSEServiceProvider):
    """Puts the datasets of C-STORE into `Part`s, one message at a time."""

    def __init__(self, association: Association, new_part: NewPart) -> None:
        super().__init__(association)
        self._new_part = new_part
        self._parts: list[Part] = []

    def get_msg(self, block: bool = False) -> Any:
        """As it was, but the loop around it sleeps until a message comes."""
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=_TICK_S)
        except queue.Empty:
            return None, None

    def receive_primitive(self, primitive: P_DATA) -> None:
        """A piece of a message has come."""
        message = self.message
        if message is None:
            if self.msg_queue.qsize() > 1:  # a peer that awaits no answers: none was agreed
                self.dul.event_queue.put(_INVALID_PDU)
                return
            message = self.message = DIMSEMessage()
            part = self._new_part(lambda: self._meta(message))
            self._parts = [*filter(_is_held, self._parts), part]
            message.data_set = part
        try:
            super().receive_primitive(primitive)
            if message.encoded_command_set.tell() > _MOST_COMMAND_BYTES:
                raise ValueError("a command without end")
        except DAMAGE:  # it would end the thread, and leave the peer without a word
            self.dul.event_queue.put(_INVALID_PDU)

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
        """The association is over: what nobody took goes."""
        for part in self._parts:
            part.give_up()


def _is_held(part: Part) -> bool:
    """Whether it has a file that was neither accepted, and so renamed, nor given up."""
    return part.path is not None and part.path.exists()


class _Handler(RequestHandler):
    """A connection, from its first byte until everything of it is tidied away."""

    server: Server

    def handle(self) -> None:
        """Run the association; this thread waits for it."""
        association = self._create_association()
        try:
            association.start()
            association.join()
            association.dul.join()
        finally:
            cast(_Messages, association.dimse).end()
            self.server.shutdown_request(self.request)

    def _create_association(self) -> Association:
        association = super()._create_association()
        # The socket that it came with has told that the connection is open; ours does it again.
        association.dul.event_queue.get_nowait()
        association.dul.socket = _Socket(association, cast(socket.socket, self.request))
        association.dul._run_loop_delay = 0  # our socket waits
        association.dimse = _Messages(association, self.server.new_part)
        return association


class Server(ThreadedAssociationServer):
    """Listens for one AE title; `OSError` where the port cannot be had."""

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
    ) -> None:
        """`admits` is asked of every address, before a byte is read."""
        self._admits, self.new_part = admits, new_part
        super().__init__(
            entity,
            address,
            entity.ae_title,
            entity.supported_contexts,
            evt_handlers=handlers,
            request_handler=_Handler,
        )
        entity._servers.append(self)  # where its shutdown takes it off

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Whether the connection is kept: no more of them than can be told that it is too many."""
        room = len(self.active_associations) < 2 * self.ae.maximum_associations
        return room and self._admits(client_address[0])

    def end_all(self) -> None:
        """Abort what goes on; who does not take notice within a second is cut off."""
        going = self.active_associations
        # Each waits until its peer has closed the connection.
        threads = [threading.Thread(target=one.abort, daemon=True) for one in going]
        for thread in threads:
            thread.start()
        end = time.monotonic() + _FAREWELL_S
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        for one in going:
            transport = one.dul.socket
            if transport is not None and transport.socket is not None:
                self.shutdown_request(transport.socket)
            one.join(PATIENCE_S)
