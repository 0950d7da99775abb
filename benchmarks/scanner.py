"""C-STORE over a plain socket (PS3.8, 9.3; PS3.7, 9.3.1), cheap enough for hundreds of senders.

pynetdicom's client polls a thousand times a second in two threads, which would take the cores
from what is measured.
"""

from __future__ import annotations

import socket
import struct

CINE = "1.2.840.10008.5.1.4.1.1.3.1"
_CONTEXT = 1
_PIECE = 1 << 17


class Scanner:
    """One association for cines in one transfer syntax; `ConnectionError` where it is refused."""

    def __init__(self, port: int, syntax: str, *, timeout_s: float = 300.0) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        contexts = _item(0x10, b"1.2.840.10008.3.1.1.1") + _item(
            0x20,
            bytes([_CONTEXT, 0, 0, 0]) + _item(0x30, CINE.encode()) + _item(0x40, syntax.encode()),
        )
        user = _item(0x50, _item(0x51, struct.pack(">L", 1 << 16)) + _item(0x52, b"1.2.826.0.1"))
        titles = b"EDGEECHO".ljust(16) + b"SOAK".ljust(16)
        self._send(1, struct.pack(">HH", 1, 0) + titles + bytes(32) + contexts + user)
        kind, _ = self._receive()
        if kind != 2:
            raise ConnectionError("the association was rejected")

    def store(self, instance: str, dataset: bytes) -> int:
        """The status of the answer."""
        self._send(4, _value(3, _command(instance)))
        for start in range(0, len(dataset), _PIECE):
            last = start + _PIECE >= len(dataset)
            self._send(4, _value(2 if last else 0, dataset[start : start + _PIECE]))
        kind, body = self._receive()
        if kind != 4:
            raise ConnectionError("the association was aborted")
        return _status(body[6:])

    def release(self) -> None:
        """Say goodbye."""
        self._send(5, bytes(4))
        self._receive()
        self._socket.close()

    def _send(self, kind: int, body: bytes) -> None:
        self._socket.sendall(struct.pack(">BBL", kind, 0, len(body)) + body)

    def _receive(self) -> tuple[int, bytes]:
        kind, _, length = struct.unpack(">BBL", self._exactly(6))
        return kind, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self._socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("the connection was closed")
            data += piece
        return data


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def _value(control: int, data: bytes) -> bytes:
    return struct.pack(">LBB", len(data) + 2, _CONTEXT, control) + data


def _command(instance: str) -> bytes:
    elements = (
        _element(0x0002, _uid(CINE))
        + _element(0x0100, struct.pack("<H", 1))  # C-STORE-RQ
        + _element(0x0110, struct.pack("<H", 1))
        + _element(0x0700, struct.pack("<H", 0))
        + _element(0x0800, struct.pack("<H", 0))  # a dataset follows
        + _element(0x1000, _uid(instance))
    )
    return _element(0x0000, struct.pack("<L", len(elements))) + elements


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHL", 0, number, len(value)) + value


def _uid(uid: str) -> bytes:
    return uid.encode() + b"\0" * (len(uid) % 2)


def _status(command: bytes) -> int:
    at = 0
    while at < len(command):
        group, number, length = struct.unpack_from("<HHL", command, at)
        if (group, number) == (0, 0x0900):
            return int(struct.unpack_from("<H", command, at + 8)[0])
        at += 8 + length
    raise ConnectionError("an answer without a status")
