"""A connection to a possibly hostile peer: the size of PDUs and every wait are limited.

pynetdicom 3.0 collects a PDU of any claimed length in memory, and waits for ever for the rest of
a PDU and for a peer that does not read.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from multiprocessing.connection import wait

from pynetdicom.transport import AssociationSocket

PDU_BYTES = 1 << 18
"""Maximum that we ask of peers; with the usual 16 kB Python would be busy 16 times as often."""
PATIENCE_S = 30.0
"""Time limit for the rest of a PDU, and for a peer to read one of ours."""
FAREWELL_S = 1.0
"""Time for a peer to notice an abort."""
TICK_S = 0.01
MOST_PDU_BYTES = 2 * PDU_BYTES
INVALID_PDU = "Evt19"  # PS3.8, 9.2: the association is aborted
_HUNG_UP = "Sta13"  # PS3.8, 9.2: it is over, and the peer is to close the connection
_CLOSED = "Evt17"  # the same: the connection is closed


class BoundedSocket(AssociationSocket):
    """Limited in both directions. Only the association's provider thread uses and closes it."""

    @property
    def ready(self) -> bool:
        """Whether there is something to read. It waits briefly, so its caller need not sleep."""
        connection = self.socket
        if connection is None or not self._is_connected:
            return False
        try:
            if self.assoc.dul.state_machine.current_state == _HUNG_UP:
                self.drain()  # nobody needs the content
                return False
            return bool(wait([connection], TICK_S))  # unlike `select`, accepts any descriptor
        except (OSError, ValueError):
            self.event_queue.put(_CLOSED)
            return False

    def recv(self, nr_bytes: int) -> bytearray:
        """Read `nr_bytes` bytes, or fewer if the peer is gone; `OSError` ends the connection."""
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
        """Send everything; if that fails, the connection counts as closed."""
        rest, end = memoryview(bytestream), time.monotonic() + PATIENCE_S
        try:
            while rest:
                rest = rest[self._until(end).send(rest) :]
        except OSError:
            self.event_queue.put(_CLOSED)

    def drain(self) -> None:
        """Discard what still comes, for a second at most.

        Closing a connection with unread bytes resets it, and the peer could lose what we sent last.
        `OSError` if it is closed.
        """
        end = time.monotonic() + FAREWELL_S
        while (connection := self.socket) and wait([connection], TICK_S):
            if time.monotonic() > end or not connection.recv(1 << 16):
                break

    def cut(self) -> None:
        """Close it from any thread: threads that connect, read or send on it wake up."""
        if (connection := self.socket) is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close_for_good(self) -> None:
        """Close it even if pynetdicom has not, as when the peer is gone."""
        connection, self.socket = self.socket, None
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _until(self, end: float) -> socket.socket:
        """The socket; its next call returns or raises by `end`."""
        connection, left = self.socket, end - time.monotonic()
        if connection is None or left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        return connection
