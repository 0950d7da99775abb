"""Junk on the port of the real command: nothing but its own connection ends, and all is quiet."""

from __future__ import annotations

import io
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from dicom_net import SUCCESS, US_MULTIFRAME, Scanner, in_threads, write_cine
from listening import Listening
from processes import wait
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu import A_ASSOCIATE_RQ, P_DATA_TF

COUNT = 800
ASSOCIATE_RQ, ASSOCIATE_AC = 1, 2


class Template:
    """What a scanner says: a request for an association, C-ECHO and C-STORE."""

    def __init__(self, port: int) -> None:
        with Scanner(port) as scanner:
            self.request = A_ASSOCIATE_RQ(scanner.association.requestor.primitive).encode()
            contexts = {c.abstract_syntax: c.context_id for c in scanner.association.requestor.
                        requested_contexts}  # fmt: skip
        echo = C_ECHO()
        echo.MessageID, echo.AffectedSOPClassUID = 1, "1.2.840.10008.1.1"
        store = C_STORE()
        store.MessageID, store.Priority, store.AffectedSOPClassUID = 1, 2, US_MULTIFRAME
        store.AffectedSOPInstanceUID, store.DataSet = "1.2.3", io.BytesIO(bytes(40_000))
        self.messages = [
            pdus(C_ECHO_RQ(), echo, contexts["1.2.840.10008.1.1"]),
            pdus(C_STORE_RQ(), store, contexts[US_MULTIFRAME]),
        ]


def pdus(message: DIMSEMessage, primitive: C_ECHO | C_STORE, context: int) -> list[bytes]:
    message.primitive_to_message(primitive)
    encoded = []
    for piece in message.encode_msg(context, 16384):
        pdu = P_DATA_TF()
        pdu.from_primitive(piece)
        encoded.append(pdu.encode())
    return encoded


def head(kind: int, length: int) -> bytes:
    return struct.pack(">BBL", kind, 0, length)


def mutated(pdu: bytes, chance: random.Random) -> bytes:
    """Bytes changed, left out or repeated; the length fits in most cases."""
    data = bytearray(pdu[6:])
    for _ in range(chance.randint(1, 8)):
        place, count = chance.randrange(len(data) or 1), chance.randint(1, 40)
        kind = chance.randrange(4)
        if kind == 0 and data:
            data[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        elif kind == 1:
            del data[place : place + count]
        elif kind == 2:
            data[place:place] = data[place : place + count]
        else:
            data[place : place + count] = chance.randbytes(count)
    length = len(data) if chance.random() < 0.9 else chance.randrange(1 << 32)
    kind = pdu[0] if chance.random() < 0.9 else chance.randrange(10)
    return head(kind, length) + bytes(data)


def anything(chance: random.Random) -> bytes:
    """A PDU of any kind with anything in it."""
    data = chance.choice([b"", bytes(4), bytes(68), chance.randbytes(chance.randint(1, 300))])
    return head(chance.randint(1, 7), len(data)) + data


def attack(port: int, template: Template, chance: random.Random) -> None:
    """One connection, in one of a few ways."""
    kind = chance.randrange(6)
    message = chance.choice(template.messages)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as stranger, suppress(OSError):
        if kind == 0:
            stranger.sendall(mutated(template.request, chance))
        elif kind == 1:
            stranger.sendall(b"".join(anything(chance) for _ in range(3)))
        elif kind == 2:  # it does not wait for an answer
            stranger.sendall(template.request + mutated(message[0], chance) + anything(chance))
        else:
            stranger.sendall(template.request)
            if stranger.recv(1 << 16)[:1] != bytes([ASSOCIATE_AC]):
                return
            if kind == 3:
                stranger.sendall(b"".join(mutated(pdu, chance) for pdu in message))
            elif kind == 4:
                place = chance.randrange(len(message))
                changed = [*message[:place], mutated(message[place], chance), *message[place:]]
                stranger.sendall(b"".join(changed))
            else:
                stranger.sendall(b"".join([*message, anything(chance), anything(chance)]))
        if chance.random() < 0.7:  # else it is gone at once
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(1 << 16):
                pass


@pytest.mark.slow
def test_junk_is_aborted_quietly_and_leaves_nothing(
    listen: Callable[..., Listening], tmp_path: Path
) -> None:
    node = listen("--out", tmp_path / "sr")
    template = Template(node.port)
    wait(lambda: sockets(node) == 1, 20)
    threads = len(list(Path(f"/proc/{node.process.pid}/task").iterdir()))

    def work(number: int) -> None:
        chance = random.Random(100 + number)
        for _ in range(COUNT // 8):
            attack(node.port, template, chance)

    assert in_threads(work, 8) == [None] * 8
    assert node.log.count("\n") <= 6, node.log[:3000]
    assert "Traceback" not in node.log
    with Scanner(node.port) as scanner:
        assert scanner.store(write_cine(tmp_path / "a.dcm")) == (SUCCESS, "")
    wait(lambda: len(list((tmp_path / "sr").glob("2.25*.dcm"))) == 1)
    wait(lambda: resources(node) <= (1, threads), 60)
    assert not list((tmp_path / "state" / "files").iterdir())
    assert node.stop() == 0
    assert "Traceback" not in node.log


def sockets(node: Listening) -> int:
    """How many TCP sockets it holds."""
    found = 0
    ours = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{node.process.pid}/net/{table}").read_text().splitlines()[1:]:
            ours.add(line.split()[9])
    for descriptor in Path(f"/proc/{node.process.pid}/fd").iterdir():
        with suppress(OSError):
            name = str(descriptor.readlink())
            found += name.startswith("socket:[") and name[8:-1] in ours
    return found


def resources(node: Listening) -> tuple[int, int]:
    """TCP sockets, and threads."""
    return sockets(node), len(list(Path(f"/proc/{node.process.pid}/task").iterdir()))
