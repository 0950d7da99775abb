"""A connection to a peer that may mean harm: PDUs have a maximum size, and every wait ends.

pynetdicom 3.0 collects a PDU of any claimed length in memory, waits for ever for the rest of one
that has begun, and for a peer that does not read what it is sent.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from multiprocessing.connection import wait

from pynetdicom.transport import AssociationSocket

PDU_BYTES = 1 << 18
"""We ask peers not to exceed it; with the usual 16 kB Python would be busy 16 times as often."""
PATIENCE_S = 30.0
"""For the rest of a PDU that has begun to come, and for a peer to read one of ours."""
FAREWELL_S = 1.0
"""For a peer to notice an abort."""
TICK_S = 0.01
MOST_PDU_BYTES = 2 * PDU_BYTES
INVALID_PDU = "Evt19"  # PS3.8, 9.2: the association is aborted
_HUNG_UP = "Sta13"  # PS3.8, 9.2: it is over, and the peer is to close the connection
_CLOSED = "Evt17"  # the same: the connection is closed


class BoundedSocket(AssociationSocket):
    """In either direction. Only the association's provider thread reads, sends and closes."""

    @property
    def ready(self) -> bool:
        """Whether there is something to read. It waits briefly: its caller need not sleep."""
        connection = self.socket
        if connection is None or not self._is_connected:
            return False
        try:
            if self.assoc.dul.state_machine.current_state == _HUNG_UP:
                self.drain()  # nobody wants to know what it says
                return False
            return bool(wait([connection], TICK_S))  # unlike `select`, with any descriptor
        except (OSError, ValueError):
            self.event_queue.put(_CLOSED)
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """`nr_bytes` bytes, fewer where the peer is gone; `OSError` ends the connection."""
        if nr_bytes > MOST_PDU_BYTES:
            raise OSError("a PDU that is longer than was agreed")
        data, have = bytearray(nr_bytes), 0
        end = time.monotonic() + PATIENCE_S
        with memoryview(data) as view:
            while have < nr_bytes:
                got = self._until(end).recv_into(view[have:])
                if not got:
                    break
                have += got
        return data[:have]

    def send(self, bytestream: bytes) -> None:
        """Send all of it; where that fails, the connection counts as closed."""
        rest, end = memoryview(bytestream), time.monotonic() + PATIENCE_S
        try:
            while rest:
                rest = rest[self._until(end).send(rest) :]
        except OSError:
            self.event_queue.put(_CLOSED)

    def drain(self) -> None:
        """Throw away what still comes, for a second at most.

        Closing a connection that has unread bytes resets it, and the peer might lose what we have
        sent last. `OSError` where it is closed.
        """
        end = time.monotonic() + FAREWELL_S
        while (connection := self.socket) and wait([connection], TICK_S):
            if time.monotonic() > end or not connection.recv(1 << 16):
                break

    def cut(self) -> None:
        """From any thread: whoever connects, reads or sends on it wakes up, and finds it closed."""
        if (connection := self.socket) is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close_for_good(self) -> None:
        """Even where pynetdicom has not closed it: it does not when the peer is gone."""
        connection, self.socket = self.socket, None
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _until(self, end: float) -> socket.socket:
        """The socket, whose next call returns or raises by then."""
        connection, left = self.socket, end - time.monotonic()
        if connection is None or left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        return connection
