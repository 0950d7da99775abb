"""Strangers, junk, slow and vanishing senders, and fifty at once."""

from __future__ import annotations

import io
import random
import socket
import struct
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dicom_net import SUCCESS, Scanner, Service, bare, write_cine
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF

from edgeecho.service.dicom import Peer, connection

ASSOCIATE_RQ, P_DATA, ABORT = 1, 4, 7


def pdu(kind: int, body: bytes, claimed: int | None = None) -> bytes:
    return struct.pack(">BBL", kind, 0, len(body) if claimed is None else claimed) + body


def _random(seed: int) -> bytes:
    return random.Random(seed).randbytes(3000)


JUNK = {
    "nothing": b"",
    "one byte": b"\x01",
    "HTTP": b"GET / HTTP/1.1\r\nHost: edgeecho\r\n\r\n",
    "TLS": bytes.fromhex("160301020001000001fc0303") + _random(1)[:512],
    "random": _random(2),
    "unknown PDU": pdu(0x55, _random(3)),
    "A-ASSOCIATE-RQ of nothing": pdu(ASSOCIATE_RQ, b""),
    "A-ASSOCIATE-RQ of zeros": pdu(ASSOCIATE_RQ, bytes(200)),
    "A-ASSOCIATE-RQ of junk": pdu(ASSOCIATE_RQ, b"\0\1\0\0" + b"A" * 64 + _random(4)),
    "A-ASSOCIATE-RQ cut short": pdu(ASSOCIATE_RQ, bytes(100), 5000),
    "A-ASSOCIATE-AC": pdu(2, bytes(200)),
    "P-DATA first": pdu(P_DATA, struct.pack(">LB", 10, 1) + bytes(9)),
    "a PDU of 4 GB": pdu(P_DATA, bytes(1000), 0xFFFFFFFF),
    "A-RELEASE first": pdu(5, bytes(4)),
    "A-ABORT first": pdu(ABORT, bytes(4)),
}
UNANSWERED = {
    *("nothing", "one byte", "A-ASSOCIATE-RQ cut short"),  # it hung up within a PDU
    "a PDU of 4 GB",  # which is not waited for
    "A-ABORT first",
}
"""The connection is closed without a word; the rest is aborted."""


def is_well(service: Service) -> None:
    with Scanner(service.node.port) as scanner:
        assert scanner.association.send_c_echo().Status == SUCCESS


@pytest.mark.parametrize("name", JUNK)
def test_junk_on_the_port_ends_that_connection_only(
    service: Service, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", service.node.port)) as stranger:
        stranger.sendall(JUNK[name])
        with suppress(OSError):  # it may have hung up already, as it must
            stranger.shutdown(socket.SHUT_WR)
        stranger.settimeout(20)
        answer = b""
        with suppress(ConnectionResetError):
            while data := stranger.recv(4096):
                answer += data
    assert answer == (b"" if name in UNANSWERED else pdu(ABORT, bytes(4)))
    is_well(service)
    service.wait(lambda: not connections(), 20)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", [ASSOCIATE_RQ, P_DATA])
def test_a_pdu_that_claims_too_much_is_not_waited_for(service: Service, kind: int) -> None:
    with socket.create_connection(("127.0.0.1", service.node.port)) as stranger:
        stranger.sendall(pdu(kind, bytes(1000), connection.MOST_PDU_BYTES + 1))
        stranger.settimeout(10)
        with suppress(ConnectionResetError):
            assert stranger.recv(100) == b""


def test_junk_within_an_association_aborts_it(
    service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    command = bytes(range(256)) * 4
    pieces = [
        struct.pack(">LBB", 2, 1, 3),  # an empty command
        struct.pack(">LBB", len(command) + 2, 1, 3) + command,
        struct.pack(">LBB", 40, 99, 2) + bytes(38),  # data of a context that was not accepted
        struct.pack(">L", 0xFFFFFFF0) + bytes(20),
    ]
    for piece in pieces:
        with Scanner(service.node.port) as scanner:
            scanner.association.dul.socket.socket.sendall(pdu(P_DATA, piece))
            service.wait(lambda: not scanner.association.is_established, 10)
    is_well(service)
    assert capfd.readouterr().err == ""


def test_a_command_without_end_aborts_the_association(service: Service) -> None:
    piece = pdu(P_DATA, struct.pack(">LBB", 30_002, 1, 1) + bytes(30_000))
    with Scanner(service.node.port) as scanner:
        client = scanner.association.dul.socket.socket
        for _ in range(3):
            client.sendall(piece)
        service.wait(lambda: not scanner.association.is_established, 20)
    is_well(service)


def test_the_called_title_must_be_ours(service: Service) -> None:
    association = Scanner(service.node.port, called="SOMEBODY").association
    assert association.is_rejected
    assert association.acceptor.primitive.diagnostic == 7, "called AE title not recognised"


@pytest.mark.parametrize(
    ("calling", "allowed"), [("SCANNER", True), ("OTHER", False), ("scanner", False)]
)
def test_the_calling_title_must_be_on_the_list(beside: Any, calling: str, allowed: bool) -> None:
    service = beside(allow=(Peer.parse("SCANNER@127.0.0.1"), Peer.parse("OTHER@10.0.0.0/8")))
    association = Scanner(service.node.port, calling=calling).association
    assert association.is_established is allowed
    assert association.is_rejected is not allowed
    if allowed:
        association.release()
    else:
        assert association.acceptor.primitive.diagnostic == 3, "calling AE title not recognised"
        assert service.node.tally == {"association refused": 1}


def test_an_address_that_is_not_on_the_list_is_not_even_listened_to(beside: Any) -> None:
    service = beside(allow=(Peer.parse("SCANNER@10.0.0.0/8"),))
    assert Scanner(service.node.port).association.is_aborted
    assert service.node.tally == {"connection refused": 1}


def test_a_sender_that_vanishes_leaves_nothing(service: Service, tmp_path: Path) -> None:
    files = service.store.queue.file_of("x").parent
    before = len(service.store.queue.latest(1000))
    data = bare(write_cine(tmp_path / "a.dcm", 50))[3]
    for abort in (False, True):
        with Scanner(service.node.port) as scanner:
            sending = threading.Thread(target=_send_half, args=(scanner, data))
            sending.start()
            service.wait(lambda: any(p.suffix == ".part" for p in files.iterdir()), 10)
            sending.join()
            if abort:
                scanner.association.abort()
            else:
                client = scanner.association.dul.socket.socket
                client.shutdown(socket.SHUT_RDWR)
        service.wait(lambda: not any(p.suffix == ".part" for p in files.iterdir()), 20)
    assert len(service.store.queue.latest(1000)) == before
    is_well(service)


def _send_half(scanner: Scanner, data: bytes) -> None:
    """The command and half of the dataset, as bytes on the connection."""
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    request.AffectedSOPInstanceUID = "1.2.3.4"
    request.DataSet = io.BytesIO(data)
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    (context,) = (
        c.context_id for c in scanner.association.accepted_contexts if "1.3.1" in c.abstract_syntax
    )
    pieces = list(message.encode_msg(context, 16384))
    for piece in pieces[: len(pieces) // 2]:
        encoded = P_DATA_TF()
        encoded.from_primitive(piece)
        scanner.association.dul.socket.socket.sendall(encoded.encode())


def test_who_stops_within_a_pdu_is_not_waited_for_for_ever(
    beside: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PATIENCE_S", 1.0)
    service = beside()
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", service.node.port)) as slow:
        slow.sendall(pdu(ASSOCIATE_RQ, bytes(10), 200))
        slow.settimeout(15)
        with pytest.raises(ConnectionError):
            for _ in range(100):  # a byte now and then: no single read takes long
                slow.sendall(b"\0")
                time.sleep(0.1)
    assert 0.9 < time.monotonic() - begin < 8
    is_well(service)


def test_too_many_associations_are_rejected_for_the_time_being(beside: Any) -> None:
    service = beside(most_associations=2)
    kept = [Scanner(service.node.port) for _ in range(2)]
    further = Scanner(service.node.port).association
    assert further.is_rejected
    assert further.acceptor.primitive.result == 2, "transient"
    for scanner in kept:
        scanner.association.release()
    service.wait(lambda: not connections(), 10)
    is_well(service)


def test_connections_that_ask_for_nothing_are_bounded_too(beside: Any) -> None:
    service = beside(most_associations=2)
    silent = []
    for number in range(4):
        silent.append(socket.create_connection(("127.0.0.1", service.node.port)))
        service.wait(lambda number=number: connections() > number, 5)
    with socket.create_connection(("127.0.0.1", service.node.port)) as further:
        further.settimeout(0.5)
        with suppress(ConnectionResetError):
            assert further.recv(1) == b"", "closed before the others time out"
    for client in silent:
        client.close()
    service.wait(lambda: not connections(), 10)
    is_well(service)


def test_closing_does_not_wait_for_peers_that_are_dead(beside: Any) -> None:
    service = beside()
    scanners = [Scanner(service.node.port) for _ in range(10)]
    sockets = [scanner.association.dul.socket.socket for scanner in scanners]
    for scanner in scanners:
        scanner.association.dul._kill_thread = True  # it reads and says nothing any more
    time.sleep(0.1)
    begin = time.monotonic()
    service.node.close()
    assert time.monotonic() - begin < 6
    assert not connections()
    for client in sockets:
        client.close()


def test_closing_does_not_wait_for_peers_that_stop_within_a_pdu(beside: Any) -> None:
    service = beside()
    server = service.node._listener
    slow = [socket.create_connection(("127.0.0.1", service.node.port)) for _ in range(3)]
    for client in slow:
        client.sendall(pdu(ASSOCIATE_RQ, bytes(10), 200))
    service.wait(lambda: len(server.active_associations) == 3, 10)
    time.sleep(0.2)
    begin = time.monotonic()
    service.node.close()
    assert time.monotonic() - begin < 10, "less than its patience with PDUs"
    assert not server.active_associations
    for client in slow:
        client.close()


def test_junk_is_counted_once_for_an_association(beside: Any) -> None:
    service = beside()
    for data in (JUNK["random"], JUNK["A-ASSOCIATE-RQ of junk"], JUNK["unknown PDU"] * 3):
        stranger = socket.create_connection(("127.0.0.1", service.node.port))
        with stranger, suppress(OSError):
            stranger.sendall(data)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
    service.wait(lambda: service.node.tally == {"junk received": 3}, 20)


NAME = "Secret^Patient"


def _fail(*_: object, **__: object) -> None:
    raise ValueError(NAME)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "bug", "kind"),
    [
        ("guard", _fail, "ValueError"),
        ("_Requests.new_message", _fail, "ValueError"),
        ("_Requests.expects", _fail, "ValueError"),
        ("TICK_S", NAME, "TypeError"),
    ],
)
def test_a_bug_of_ours_is_told_where_it_is_and_ends_the_association_only(
    beside: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    bug: object,
    kind: str,
) -> None:
    service = beside()
    with monkeypatch.context() as patch:
        patch.setattr(f"edgeecho.service.dicom.association.{place}", bug)
        association = Scanner(service.node.port).association
        if association.is_established:
            with suppress(RuntimeError):  # it is over already
                association.send_c_echo()
            service.wait(lambda: not association.is_established, 20)
    service.wait(lambda: f"failed: {kind} at" in caplog.text, 10)
    assert "edgeecho/service/dicom/association.py" in caplog.text or ", in _fail" in caplog.text
    assert NAME not in caplog.text
    assert "127.0.0.1" not in caplog.text
    assert "junk received" not in service.node.tally
    is_well(service)


@pytest.mark.slow
def test_nobody_is_let_in_where_the_check_of_titles_fails(
    beside: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = beside()
    monkeypatch.setattr(Peer, "is_called", _fail)
    assert Scanner(service.node.port).association.is_rejected
    assert "A-ASSOCIATE-RQ failed: ValueError at" in caplog.text
    assert NAME not in caplog.text


def connections() -> int:
    """How many associations of nodes are alive in this process."""
    return sum("AcceptorThread" in thread.name for thread in threading.enumerate())
